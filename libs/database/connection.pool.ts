import { Pool, type PoolClient, type PoolConfig } from 'pg';
import { postgresServers } from '#libs/config';
import type { Span } from '#libs/telemetry';
import { cancelRunning } from './cancel.request';
import type { Cancellation } from './cancellation';
import { type DatabaseClient, databaseClient, type Rows } from './database.client';
import {
  type DatabaseFailure,
  DatabaseUnavailable,
  isConnectionFailure,
  isTransientError,
  SQL_STATES,
  sqlStateOf,
} from './database.errors';
import type { PoolerOptions } from './pooler';
import { clientClass } from './server.client';
import { PrimaryServer, type ServerAccess } from './server.identity';
import { ServerList } from './server.list';
import { ServerWatch } from './server.watch';
import type { Session } from './session';
import { STARTUP_OPTIONS } from './session.settings';
import type { Statement } from './statement';

export interface CheckoutOptions {
  /** The timeout of the whole call, including the wait for a connection. The call then throws {@link DatabaseUnavailable} of the kind `timeout`. */
  timeoutMs?: number;
  /**
   * When requested, a wait for a connection ends, and the running statement is canceled. A call that gets no result then
   * throws {@link DatabaseUnavailable} of the kind `canceled`.
   */
  cancellation?: Cancellation | undefined;
  /** The team whose rows the statements read and write. On a cluster, they are executed on the node that has these rows. */
  teamId?: string | undefined;
  /** The statements change nothing. So no commit waits for a standby, and they can be canceled at any time. */
  isReadOnly?: boolean;
  meter?: DatabaseMeter | undefined;
  /** Parent of one span per statement; undefined: no spans. */
  span?: Span | undefined;
}

/** Accumulates the time that database calls take, in milliseconds. */
export interface DatabaseMeter {
  /** Waiting for a connection. */
  waitMs: number;
  /** Holding a connection. */
  databaseMs: number;
}

/** A pooled connection leased to one caller, or a caller's wait for one. */
interface Checkout {
  client?: PoolClient;
  session?: Session;
  /** When the connection was leased, by `performance.now()`. */
  leasedAt?: number;
  /** The caller has stopped waiting: a connection that arrives now goes back to the pool, and no further statement is sent. */
  ended: boolean;
  /** Resolves with whether the connection can be used again; undefined: no cancel request was made. */
  canceled?: Promise<boolean>;
}

export interface DatabaseOptions extends PoolerOptions {
  url: string;
  poolSize: number;
  /** The default of {@link CheckoutOptions.timeoutMs}. */
  timeoutMs: number;
  /** An older connection is closed when it is idle, because the address may point to another server by now. */
  maxLifetimeSeconds: number;
  /** Shared by the pools of a process. */
  primary?: PrimaryServer;
  /** Default `read-write`. */
  access?: ServerAccess;
}

export interface PoolStats {
  /** Connections, including idle and discarded ones. */
  total: number;
  idle: number;
  /** Connections that are kept, unused, until their backend has ended. */
  discarded: number;
  /** Callers that wait for a connection. */
  waiting: number;
}

const CONNECT_TIMEOUT_MS = 5_000;
/** Used if the URL has other servers to try. */
const CONNECT_TIMEOUT_WITH_FALLBACK_MS = 2_000;

/**
 * A pool of connections to a server of a database: the writable one, except for reads that a replica serves.
 *
 * A connection whose caller stopped waiting counts toward the pool size until its backend has ended. So there are never more backends
 * than the pool size, even while commits wait for a standby.
 *
 * @throws DatabaseUnavailable from every method when Postgres cannot be reached, closes the connection or exceeds a timeout
 */
export abstract class ConnectionPool {
  /** What the pool is for. The subclasses are distinct types, so the compiler rejects one in place of the other. */
  abstract readonly plane: 'data' | 'control' | 'read';

  private readonly pool: Pool;
  private readonly servers: ServerList;
  private readonly watch: ServerWatch;
  private failure: unknown;
  private closed: Promise<void> | undefined;

  constructor(
    private readonly options: DatabaseOptions,
    private readonly onError: (kind: DatabaseFailure | 'call') => void = () => undefined,
  ) {
    const servers = new ServerList(postgresServers(options.url) ?? [options.url]);
    const config = poolConfig(options, servers.size);
    const connection = (): PoolConfig => ({ ...config, connectionString: servers.current });
    this.servers = servers;
    const { primary = new PrimaryServer(), access = 'read-write' } = options;
    const checkTimeoutMs = connectTimeoutMs(servers.size);
    const { pooler, preparedStatements } = options;
    this.watch = new ServerWatch({
      config: connection,
      servers,
      primary,
      access,
      checkTimeoutMs,
      pooler,
      preparedStatements,
      onError,
    });
    this.pool = new Pool({
      ...config,
      Client: clientClass(servers),
      // eslint-disable-next-line @typescript-eslint/no-misused-promises -- the pool waits for it, which its type does not say
      onConnect: (client) => this.watch.add(client),
    });
    // The pool replaces an idle connection that breaks. Without a listener the error would end the process.
    this.pool.on('error', () => {
      this.onError('connection');
    });
    this.pool.on('remove', (client) => {
      this.watch.remove(client);
    });
  }

  async query<R extends object = Record<string, unknown>>(
    statement: string | Statement,
    values: readonly unknown[] = [],
    options: CheckoutOptions = {},
  ): Promise<Rows<R>> {
    return this.withClient((client) => client.query<R>(statement, values), options);
  }

  /**
   * Leases a connection to a function. If the function throws, the connection is closed, because its state is unknown.
   */
  async withClient<T>(use: (client: DatabaseClient) => Promise<T>, options: CheckoutOptions = {}): Promise<T> {
    const timeoutMs = Math.max(0, options.timeoutMs ?? this.options.timeoutMs);
    const { cancellation, meter, span, isReadOnly = false } = options;
    const startedAt = performance.now();
    let timer: NodeJS.Timeout | undefined;
    const checkout: Checkout = { ended: false };
    const timeoutOrCancel = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        reject(new DatabaseUnavailable('timeout'));
      }, timeoutMs);
      cancellation?.listen(() => {
        const { client, session } = checkout;
        if (client && session) checkout.canceled = isReadOnly ? cancelRunning(client) : this.cancel(client, session);
        else reject(new DatabaseUnavailable('canceled'));
      });
    });
    let work: Promise<T> | undefined;
    try {
      if (cancellation?.requested === true) throw new DatabaseUnavailable('canceled');
      work = this.connect(checkout).then(async (client) => {
        const result = await use(this.clientOf(client, checkout, span));
        if (checkout.session?.unconfirmed === true) throw new DatabaseUnavailable('unconfirmed');
        return result;
      });
      const result = await Promise.race([work, timeoutOrCancel]);
      // A cancel request that is still on its way would cancel the next caller's statement: then the connection is closed.
      const reusable = checkout.canceled === undefined || (await checkout.canceled);
      this.release(checkout, reusable);
      return result;
    } catch (error) {
      checkout.ended = true;
      const isLost = isConnectionFailure(error);
      if (isLost) checkout.session?.discard({ isReadOnly });
      if (work) this.releaseAfter(checkout, work, isLost);
      throw this.toCallerError(error, checkout);
    } finally {
      clearTimeout(timer);
      cancellation?.listen(undefined);
      if (meter) measure(meter, startedAt, checkout.leasedAt);
    }
  }

  /** Runs the function between BEGIN and COMMIT. If it throws, nothing is changed. */
  async transaction<T>(use: (client: DatabaseClient) => Promise<T>, options: CheckoutOptions = {}): Promise<T> {
    return this.withClient(async (client) => {
      await client.query('BEGIN');
      const result = await use(client);
      await client.query('COMMIT');
      return result;
    }, options);
  }

  /** Whether the server of the newest connection is a node of a cluster; undefined before the first connection. */
  get isCluster(): boolean | undefined {
    return this.watch.isCluster;
  }

  /** Why the last call got no connection; undefined: it got one. */
  get connectionFailure(): unknown {
    return this.failure;
  }

  /** Whether the server accepts a new connection, outside of the pool, and is not a standby. Takes a few seconds if its host does not respond. */
  acceptsWrites(): Promise<boolean> {
    return this.watch.acceptsWrites();
  }

  /** The current numbers of connections and waiting callers, for metrics. */
  stats(): PoolStats {
    const { totalCount: total, idleCount: idle, waitingCount: waiting } = this.pool;
    return { total, idle, discarded: this.watch.discardedCount, waiting };
  }

  /** Closes the idle connections. Call it when a statement has found the server read-only: they lead to the same server. */
  closeIdle(): void {
    this.watch.destroy(({ leasedAt }) => leasedAt === undefined);
  }

  /** Waits for the statements in flight and closes every connection. Can be called again, even before it has finished. */
  close(): Promise<void> {
    this.watch.stop();
    this.closed ??= this.pool.end();
    return this.closed;
  }

  /** Leases a connection. Tries every server of the URL before it fails. */
  private async connect(checkout: Checkout): Promise<PoolClient> {
    let failures = 0;
    for (;;) {
      const server = this.servers.current;
      let client: PoolClient;
      try {
        client = await this.pool.connect();
      } catch (error) {
        failures += 1;
        if (isPoolTimeout(error)) throw new DatabaseUnavailable('connection', { cause: error });
        this.failure = error;
        this.servers.reportFailure(server);
        if (failures < this.servers.size && !checkout.ended) continue;
        throw new DatabaseUnavailable('connection', { cause: error });
      }
      if (checkout.ended) {
        client.release();
        throw new DatabaseUnavailable('timeout');
      }
      const session = this.watch.usableSessionOf(client);
      if (session === undefined) {
        client.release(true); // the server has become read-only since
        continue;
      }
      this.failure = undefined;
      session.leasedAt = performance.now();
      Object.assign(checkout, { client, session, leasedAt: session.leasedAt });
      return client;
    }
  }

  private clientOf(client: PoolClient, checkout: Checkout, span: Span | undefined): DatabaseClient {
    const { preparedStatements } = this.options;
    return databaseClient(client, { preparedStatements, isEnded: () => checkout.ended, span });
  }

  private release({ client, session }: Checkout, reusable: boolean): void {
    if (session) session.leasedAt = undefined;
    client?.release(!reusable);
  }

  /**
   * Closes the connection of a call that failed.
   *
   * @param isLost the connection failed, or its caller stopped waiting: it leaves the pool when its backend has ended
   */
  private releaseAfter(checkout: Checkout, work: Promise<unknown>, isLost: boolean): void {
    const close = (): void => {
      this.release(checkout, false);
    };
    const closeWhenSettled = (): void => {
      if (isLost && checkout.session) this.watch.whenEnded(checkout.session, close);
      else close();
    };
    work.then(closeWhenSettled, closeWhenSettled);
  }

  /**
   * Cancels the statement of a connection, but not a commit that waits for a standby: that would end the wait.
   *
   * @returns whether the connection can be used again
   */
  private async cancel(client: PoolClient, session: Session): Promise<boolean> {
    return (await this.watch.mayWaitForStandby(session)) || cancelRunning(client);
  }

  private toCallerError(error: unknown, { canceled }: Checkout): unknown {
    const state = sqlStateOf(error);
    if (canceled && state === SQL_STATES.queryCanceled) return new DatabaseUnavailable('canceled');
    if (error instanceof DatabaseUnavailable) {
      if (error.kind !== 'canceled') this.onError(error.kind); // a cancel is not an error of the database
      return error;
    }
    if (state === SQL_STATES.readOnlyTransaction) this.closeIdle();
    if (isConnectionFailure(error)) return this.unavailable('connection', error);
    if (isTransientError(error)) return this.unavailable('timeout', error);
    this.onError('call');
    return error;
  }

  private unavailable(kind: 'connection' | 'timeout', cause: unknown): DatabaseUnavailable {
    this.onError(kind);
    return new DatabaseUnavailable(kind, { cause });
  }
}

function measure(meter: DatabaseMeter, startedAt: number, leasedAt: number | undefined): void {
  const now = performance.now();
  meter.waitMs += (leasedAt ?? now) - startedAt;
  if (leasedAt !== undefined) meter.databaseMs += now - leasedAt;
}

function isPoolTimeout(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith('timeout exceeded when trying to connect');
}

function connectTimeoutMs(servers: number): number {
  return servers > 1 ? CONNECT_TIMEOUT_WITH_FALLBACK_MS : CONNECT_TIMEOUT_MS;
}

function poolConfig(options: DatabaseOptions, servers: number): PoolConfig {
  return {
    max: options.poolSize,
    connectionTimeoutMillis: connectTimeoutMs(servers),
    idleTimeoutMillis: 30_000,
    maxLifetimeSeconds: options.maxLifetimeSeconds,
    keepAlive: true,
    keepAliveInitialDelayMillis: 5_000,
    application_name: 'prism-gateway',
    ...(options.pooler === 'none' && { options: STARTUP_OPTIONS }),
  };
}
