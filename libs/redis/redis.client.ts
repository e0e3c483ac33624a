import { Cluster, Redis as Client, type RedisOptions } from 'ioredis';
import { parseRedisUrl, type Settings } from '#libs/config';
import { nodeConnector, type ReportFailure, sentinelConnector } from './redis.connectors';

/** The timeout of connect, authentication and ready check. No call waits for them. */
const HANDSHAKE_MS = 1_000;
const KEEP_ALIVE_MS = 10_000;
const REDIS_PORT = 6_379;
const SENTINEL_PORT = 26_379;

export type RedisSettings = Pick<
  Settings,
  | 'redisUrl'
  | 'redisMode'
  | 'redisSentinelMaster'
  | 'redisSentinelUsername'
  | 'redisSentinelPassword'
  | 'redisTimeoutMs'
>;

export interface ConnectionPolicy {
  /** Milliseconds until the next connection attempt. @param attempt since the last connection, from 1 */
  readonly retryDelay: (attempt: number) => number;
  /** Called with the reason why a connection to a Sentinel or a node of a cluster failed. */
  readonly report: ReportFailure;
}

/**
 * Creates a client that connects at once, and again whenever its connection is lost. Calls are neither queued nor sent again:
 * by then their callers have continued without Redis.
 *
 * @throws Error for a URL that `readSettings` would reject
 */
export function createClient(
  url: string,
  settings: RedisSettings,
  { retryDelay, report }: ConnectionPolicy,
): Client | Cluster {
  const address = parseRedisUrl(url);
  if (address === undefined) throw new Error('REDIS_URL is not valid');
  const { hosts, database: db, tls, username, password } = address;
  const options: RedisOptions = {
    ...connectionOptions(settings),
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
    ...(tls && { tls: {} }),
  };
  const withPorts = (port: number): { host: string; port: number }[] =>
    hosts.map((host) => ({ ...host, port: host.port ?? port }));
  switch (settings.redisMode) {
    case 'single':
      return new Client({ ...options, ...withPorts(REDIS_PORT)[0], db, ...reconnectOptions(retryDelay) });
    case 'sentinel':
      return new Client({
        ...options,
        ...sentinelOptions(settings, tls),
        sentinels: withPorts(SENTINEL_PORT),
        sentinelRetryStrategy: retryDelay,
        Connector: sentinelConnector(report),
        db,
        ...reconnectOptions(retryDelay),
      });
    case 'cluster':
      return new Cluster(withPorts(REDIS_PORT), {
        enableOfflineQueue: false,
        // It would send a call to a node that is not connected yet, and fail. Calls to a cluster that is down are rejected.
        enableReadyCheck: false,
        clusterRetryStrategy: retryDelay,
        slotsRefreshTimeout: HANDSHAKE_MS,
        // A call is not sent again, except to the node that the first one names (MOVED, ASK).
        retryDelayOnFailover: 0,
        retryDelayOnClusterDown: 0,
        // Connects by the names that the cluster announces, for which its certificates are valid.
        dnsLookup: (name, done) => {
          done(null, name);
        },
        redisOptions: { ...options, Connector: nodeConnector(report) },
      });
  }
}

function connectionOptions({ redisTimeoutMs }: RedisSettings): RedisOptions {
  return {
    connectionName: 'prism-gateway',
    disableClientInfo: true,
    // With 0, calls in progress fail at once when the connection breaks. They are not sent again: the callers have continued.
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    connectTimeout: HANDSHAKE_MS,
    // Ends the handshake with a server that does not respond. A call ends before it.
    commandTimeout: HANDSHAKE_MS + redisTimeoutMs,
    maxLoadingRetryTime: HANDSHAKE_MS,
    disconnectTimeout: 0,
    keepAlive: KEEP_ALIVE_MS,
  };
}

function reconnectOptions(retryStrategy: ConnectionPolicy['retryDelay']): RedisOptions {
  return { enableOfflineQueue: false, retryStrategy };
}

function sentinelOptions(settings: RedisSettings, tls: boolean): RedisOptions {
  const { redisSentinelMaster: name, redisSentinelUsername, redisSentinelPassword } = settings;
  return {
    ...(name !== undefined && { name }),
    ...(redisSentinelUsername !== undefined && { sentinelUsername: redisSentinelUsername }),
    ...(redisSentinelPassword !== undefined && { sentinelPassword: redisSentinelPassword }),
    ...(tls && { enableTLSForSentinelMode: true, sentinelTLS: {} }),
    sentinelCommandTimeout: HANDSHAKE_MS,
  };
}
