import { ProcessSettings, TEN_MINUTES_MS } from './process.settings';
import { Variable } from './variable.decorator';
import { integer, label, oneOf, postgresReadUrl, postgresUrl, redisUrl, text } from './variable.type';

const SEVEN_DAYS_SECONDS = 604_800;
const ONE_HOUR_SECONDS = 3_600;
const HUNDRED_MEBIBYTES = 104_857_600;
const GIBIBYTE = 1_073_741_824;
const MILLION = 1_000_000;
const BILLION = 1_000_000_000;

/**
 * All settings of the product. `readSettings` creates, validates and freezes them; it assigns every property, hence the `!`.
 * Inject them by this class.
 */
export class Settings extends ProcessSettings {
  @Variable({
    group: 'Postgres',
    description:
      'The URL of the Postgres database, in the syntax of libpq. Of several hosts (`postgres://user@host1,host2/database`) the first writable server is used; a server that is read-only is never used.',
    type: postgresUrl(),
    required: true,
    secret: true,
  })
  readonly databaseUrl!: string;

  @Variable({
    group: 'Postgres',
    description:
      'The URL of a replica that serves list, query and count. Of several hosts the first that can be reached is used. Unset: `DATABASE_URL` serves them. See [reading from a replica](queries.md#reading-from-a-replica).',
    type: postgresReadUrl(),
    secret: true,
  })
  readonly databaseReadUrl?: string;

  @Variable({
    group: 'Postgres',
    description:
      'The maximum number of connections of a process to Postgres. A gateway opens up to four more: two for API keys, property definitions and readiness, and two for a moment to check the server. With `DATABASE_READ_URL` it opens up to `DATABASE_POOL_SIZE` connections to the replica as well, and one to check it. The sum over all processes must stay below `max_connections`.',
    type: integer(1, 1_000),
    default: 10,
  })
  readonly databasePoolSize!: number;

  @Variable({
    group: 'Postgres',
    description:
      'The pooling mode of a pooler between the program and Postgres, such as PgBouncer. See [PgBouncer](deployment.md#pgbouncer) for the configuration of each mode.',
    type: oneOf('none', 'session', 'transaction'),
    default: 'none',
  })
  readonly databasePooler!: 'none' | 'session' | 'transaction';

  @Variable({
    group: 'Postgres',
    description:
      'Whether each connection prepares its statements once. `off` is for transaction pooling without prepared statements (PgBouncer before 1.21): Postgres then parses and plans them for every call.',
    type: oneOf('on', 'off'),
    default: 'on',
  })
  readonly databasePreparedStatements!: 'on' | 'off';

  @Variable({
    group: 'Redis',
    description:
      'The URL of Redis: claims of keys, cached responses, and rate limits that all gateways share. `rediss://` is TLS. Several hosts: see `REDIS_MODE`. Percent-encode special characters of the password. Unset: a request whose key is in use waits `LOCK_TIMEOUT_MS` before it gets 409 `idempotency_key_in_use`, replays are read from Postgres, and each gateway counts rate limits on its own.',
    type: redisUrl(),
    secret: true,
  })
  readonly redisUrl?: string;

  @Variable({
    group: 'Redis',
    description:
      'What the hosts in `REDIS_URL` are. `single`: one server. `sentinel`: Sentinels (default port 26379), which know the address of the master; user, password and database are those of the master. `cluster`: some nodes of a Redis Cluster.',
    type: oneOf('single', 'sentinel', 'cluster'),
    default: 'single',
  })
  readonly redisMode!: 'single' | 'sentinel' | 'cluster';

  @Variable({
    group: 'Redis',
    description: 'The name of the master in the configuration of the Sentinels. Required with `REDIS_MODE=sentinel`.',
    type: label(),
  })
  readonly redisSentinelMaster?: string;

  @Variable({
    group: 'Redis',
    description: 'The user name for the Sentinels, if they need one. `REDIS_URL` has the one for the Redis servers.',
    type: label(),
  })
  readonly redisSentinelUsername?: string;

  @Variable({
    group: 'Redis',
    description: 'The password for the Sentinels, if they need one. `REDIS_URL` has the one for the Redis servers.',
    type: text(),
    secret: true,
  })
  readonly redisSentinelPassword?: string;

  @Variable({
    group: 'Redis',
    description: 'How long a request waits for a response of Redis before it continues without Redis, in milliseconds.',
    type: integer(1, 10_000),
    default: 50,
  })
  readonly redisTimeoutMs!: number;

  @Variable({
    group: 'Requests',
    description: 'The maximum size of a request body. A larger one is rejected with 413 `payload_too_large`.',
    type: integer(1, HUNDRED_MEBIBYTES),
    default: 5_242_880,
  })
  readonly bodyLimitBytes!: number;

  @Variable({
    group: 'Requests',
    description: 'The maximum size of an item. A larger one fails with the item error `too_large`.',
    type: integer(1, HUNDRED_MEBIBYTES),
    default: 262_144,
  })
  readonly itemLimitBytes!: number;

  @Variable({
    group: 'Requests',
    description:
      'The maximum size of a record: the JSON text of its blocks. A change that would exceed it fails with `too_large`.',
    type: integer(1, HUNDRED_MEBIBYTES),
    default: 524_288,
  })
  readonly recordLimitBytes!: number;

  @Variable({
    group: 'Requests',
    description:
      'The maximum total size of the records in one response, and of the records that the ledger stores for one request. Entries beyond it have `record_omitted` instead of `record`. At least twice `RECORD_LIMIT_BYTES`.',
    type: integer(1, 134_217_728),
    default: 16_777_216,
  })
  readonly responseLimitBytes!: number;

  @Variable({
    group: 'Requests',
    description:
      'The deadline of a request, in milliseconds: its response is sent before it. A caller can set a shorter one with `x-request-timeout-ms`, or with the headers of the official SDKs.',
    type: integer(1, TEN_MINUTES_MS),
    default: 30_000,
  })
  readonly requestTimeoutMs!: number;

  @Variable({
    group: 'Requests',
    description:
      'How long the statement of a list, query or count can run, in milliseconds. It is then canceled. If no index serves the query, the response names the properties. The deadline of the request can end it earlier.',
    type: integer(1, TEN_MINUTES_MS),
    default: 3_000,
  })
  readonly queryTimeoutMs!: number;

  @Variable({
    group: 'Overload',
    description:
      'The maximum number of items that are processed at once. (`DATABASE_POOL_SIZE` limits the requests.) A client that is alone can use all connections but one, and the same fraction of the items. While other clients are active, each client can use half of the connections and a quarter of the items. Recommended for all gateways together: 200 to 400 per CPU core of Postgres.',
    type: integer(1, MILLION),
    default: 900,
  })
  readonly maxItemsInFlight!: number;

  @Variable({
    group: 'Overload',
    description:
      'The maximum number of open connections of callers to a gateway, because each takes memory even when it is idle. Further ones are closed at once and counted in `prism_http_connections_cut_total`.',
    type: integer(1, MILLION),
    default: 4_096,
  })
  readonly maxConnections!: number;

  @Variable({
    group: 'Overload',
    description:
      'The maximum total size of request bodies in memory. A client never holds more than remains free: a client that is alone gets half of the total. A body counts from its first byte. If it arrives slowly, only the received part counts. The heap of Node.js limits the memory of parsed bodies.',
    type: integer(1, GIBIBYTE),
    default: 33_554_432,
  })
  readonly maxBodyBytesInFlight!: number;

  @Variable({
    group: 'Overload',
    description:
      'The maximum total size of responses that clients have not read yet. While the unread responses of a client exceed half of it (a quarter while other clients are active), no further request of the client starts.',
    type: integer(1, GIBIBYTE),
    default: 33_554_432,
  })
  readonly maxResponseBytesInFlight!: number;

  @Variable({
    group: 'Overload',
    description:
      'The maximum number of queued requests. When it is exceeded, a request of the client with the most queued requests is rejected with 503.',
    type: integer(0, MILLION),
    default: 1_000,
  })
  readonly admissionMaxQueueLength!: number;

  @Variable({
    group: 'Overload',
    description:
      'How long a request can be queued before it is rejected with 503, in milliseconds. The time counts against its deadline.',
    type: integer(1, TEN_MINUTES_MS),
    default: 5_000,
  })
  readonly admissionMaxWaitMs!: number;

  @Variable({
    group: 'Overload',
    description:
      'Requests are rejected with 503 while the mean event loop delay of the last second exceeds this, in milliseconds.',
    type: integer(1, TEN_MINUTES_MS),
    default: 500,
  })
  readonly maxEventLoopDelayMs!: number;

  @Variable({
    group: 'Rate limits',
    description:
      'Items per second of a client, on average. A rate limit of the client overrides it (`npm run admin -- client limit`). 0: unlimited.',
    type: integer(0, MILLION),
    default: 0,
  })
  readonly rateLimitItemsPerSecond!: number;

  @Variable({
    group: 'Rate limits',
    description: 'Items that a client can use at once. Unset: the number per second.',
    type: integer(1, MILLION),
  })
  readonly rateLimitItemsBurst?: number;

  @Variable({
    group: 'Rate limits',
    description: 'Requests per second of a client, on average. A rate limit of the client overrides it. 0: unlimited.',
    type: integer(0, MILLION),
    default: 0,
  })
  readonly rateLimitRequestsPerSecond!: number;

  @Variable({
    group: 'Rate limits',
    description: 'Requests that a client can use at once. Unset: the number per second.',
    type: integer(1, MILLION),
  })
  readonly rateLimitRequestsBurst?: number;

  @Variable({
    group: 'Rate limits',
    description:
      'Bytes per second of the request and response bodies of a client, on average. A rate limit of the client overrides it. 0: unlimited.',
    type: integer(0, BILLION),
    default: 0,
  })
  readonly rateLimitBytesPerSecond!: number;

  @Variable({
    group: 'Rate limits',
    description: 'Bytes that a client can use at once. Unset: the number per second.',
    type: integer(1, BILLION),
  })
  readonly rateLimitBytesBurst?: number;

  @Variable({
    group: 'Overload',
    description:
      'Requests with an invalid API key per second from one address (IPv6: one /64 network), on average. Beyond it, requests from the address get 429 `rate_limited`, except with a valid key that this gateway has already looked up. 0: unlimited.',
    type: integer(0, MILLION),
    default: 20,
  })
  readonly authFailuresPerSecond!: number;

  @Variable({
    group: 'Overload',
    description: 'Requests with an invalid API key that one address can send at once.',
    type: integer(1, MILLION),
    default: 100,
  })
  readonly authFailuresBurst!: number;

  @Variable({
    group: 'Writes',
    description:
      'How long an item waits for a record that another transaction has locked, in milliseconds. After that it fails with `locked`.',
    type: integer(1, TEN_MINUTES_MS),
    default: 2_000,
  })
  readonly lockTimeoutMs!: number;

  @Variable({
    group: 'Writes',
    description:
      'When changes are flushed to disk. `batch`: once, at the end of the batch. `item`: at the commit of each item. With both values, every change is durable before the response is sent.',
    type: oneOf('batch', 'item'),
    default: 'batch',
  })
  readonly durability!: 'batch' | 'item';

  @Variable({
    group: 'Writes',
    description:
      'Whether a property without a definition is rejected (the item fails with `unknown_property`) or accepted and stored unchecked.',
    type: oneOf('reject', 'accept'),
    default: 'reject',
  })
  readonly unknownProperties!: 'reject' | 'accept';

  @Variable({
    group: 'Idempotency',
    description:
      'The lifetime of an `Idempotency-Key`. For 7 more days, a request with the key is rejected with 409 `idempotency_key_stale`. Set the same value for gateways and workers.',
    type: integer(1, SEVEN_DAYS_SECONDS),
    default: 86_400,
  })
  readonly idempotencyTtlSeconds!: number;

  @Variable({
    group: 'Idempotency',
    description:
      'How long Redis caches the response of a complete request. Later replays are read from Postgres, with the same bytes.',
    type: integer(1, SEVEN_DAYS_SECONDS),
    default: 3_600,
  })
  readonly idempotencyCacheSeconds!: number;

  @Variable({
    group: 'Imports',
    description:
      'The maximum number of unfinished import jobs of a client. A further import is rejected with 429 `rate_limited`.',
    type: integer(1, 1_000),
    default: 10,
  })
  readonly importMaxJobs!: number;

  @Variable({
    group: 'Imports',
    description:
      'How many chunks of up to 100 rows a worker imports at once. A higher number finishes a job sooner, but leaves less of Postgres to batches.',
    type: integer(1, 100),
    default: 2,
  })
  readonly importConcurrency!: number;

  @Variable({
    group: 'Imports',
    description: 'If a worker dies or hangs, another worker continues its import job after this many seconds.',
    type: integer(1, ONE_HOUR_SECONDS),
    default: 10,
  })
  readonly importLeaseSeconds!: number;

  @Variable({
    group: 'Worker',
    description: 'The time between two runs of retention, which deletes expired keys and outcomes.',
    type: integer(1, ONE_HOUR_SECONDS),
    default: 60,
  })
  readonly retentionIntervalSeconds!: number;
}
