import { ProcessSettings } from './process.settings';
import { Variable } from './variable.decorator';
import { integer, oneOf, url } from './variable.type';

const TEN_MINUTES_MS = 600_000;
const SEVEN_DAYS_SECONDS = 604_800;
const ONE_HOUR_SECONDS = 3_600;
const HUNDRED_MEBIBYTES = 104_857_600;
const GIBIBYTE = 1_073_741_824;
const MILLION = 1_000_000;
const BILLION = 1_000_000_000;

/**
 * Every setting there is. Made, checked and frozen by `readSettings`, which assigns each property: hence the `!`.
 * Inject it by its class.
 */
export class Settings extends ProcessSettings {
  @Variable({
    group: 'Postgres',
    description: 'The database that holds the truth.',
    type: url('postgres', 'postgresql'),
    required: true,
    secret: true,
  })
  readonly databaseUrl!: string;

  @Variable({
    group: 'Postgres',
    description:
      'Connections of this process at most. All processes together stay below `max_connections` of Postgres.',
    type: integer(1, 1_000),
    default: 10,
  })
  readonly databasePoolSize!: number;

  @Variable({
    group: 'Redis',
    description:
      'The fast path of idempotency, and where gateways count rates together. Unset: no 409 `idempotency_key_in_use`, replays are answered from Postgres, and each gateway counts rates for itself.',
    type: url('redis', 'rediss'),
    secret: true,
  })
  readonly redisUrl?: string;

  @Variable({
    group: 'Redis',
    description: 'How long a call waits for Redis before it goes on without.',
    type: integer(1, 10_000),
    default: 50,
  })
  readonly redisTimeoutMs!: number;

  @Variable({
    group: 'Requests',
    description: 'The largest request body. A larger one answers 413 `payload_too_large`.',
    type: integer(1, HUNDRED_MEBIBYTES),
    default: 5_242_880,
  })
  readonly bodyLimitBytes!: number;

  @Variable({
    group: 'Requests',
    description: 'The largest item of a batch. A larger one is the item error `too_large`.',
    type: integer(1, HUNDRED_MEBIBYTES),
    default: 262_144,
  })
  readonly itemLimitBytes!: number;

  @Variable({
    group: 'Requests',
    description:
      'The largest record, in bytes of the JSON text of its blocks. A change that would make it larger fails with `too_large`.',
    type: integer(1, HUNDRED_MEBIBYTES),
    default: 524_288,
  })
  readonly recordLimitBytes!: number;

  @Variable({
    group: 'Requests',
    description:
      'The most bytes of JSON that the records of one response may have, and that the ledger stores of one request. Entries beyond it have `record_omitted` instead of `record`. At least twice `RECORD_LIMIT_BYTES`.',
    type: integer(1, 134_217_728),
    default: 16_777_216,
  })
  readonly responseLimitBytes!: number;

  @Variable({
    group: 'Requests',
    description:
      'The time in which every answer leaves. A caller may ask for less: with `x-request-timeout-ms`, or as the official SDKs do.',
    type: integer(1, TEN_MINUTES_MS),
    default: 30_000,
  })
  readonly requestTimeoutMs!: number;

  @Variable({
    group: 'Overload',
    description:
      'Items that are worked on at once, at most, and requests at most as many as `DATABASE_POOL_SIZE`. One client gets all of it except one connection and its part of the items; while others are active, a quarter of the items and half of the requests. 200 to 400 for each core of Postgres, over all gateways.',
    type: integer(1, MILLION),
    default: 900,
  })
  readonly maxItemsInFlight!: number;

  @Variable({
    group: 'Overload',
    description:
      'Bytes of request bodies that are held at once, at most. One client never holds more than what stays free: half if it is alone. A body counts when it begins to arrive; one that arrives slowly counts only what has arrived. What parsing makes of them is bounded by the heap that Node may use.',
    type: integer(1, GIBIBYTE),
    default: 33_554_432,
  })
  readonly maxBodyBytesInFlight!: number;

  @Variable({
    group: 'Overload',
    description:
      'Bytes of responses that wait for their callers to read them. No further request of a client begins while its unread responses take half of it, or a quarter while others are active.',
    type: integer(1, GIBIBYTE),
    default: 33_554_432,
  })
  readonly maxResponseBytesInFlight!: number;

  @Variable({
    group: 'Overload',
    description: 'Requests that may wait for their turn. One more, and whoever has most waiting gets a 503.',
    type: integer(0, MILLION),
    default: 1_000,
  })
  readonly admissionMaxQueueLength!: number;

  @Variable({
    group: 'Overload',
    description: 'How long a request waits for its turn before it is refused with 503. It counts against its deadline.',
    type: integer(1, TEN_MINUTES_MS),
    default: 5_000,
  })
  readonly admissionMaxWaitMs!: number;

  @Variable({
    group: 'Overload',
    description: 'When the event loop is later than this, averaged over a second, requests are refused with 503.',
    type: integer(1, TEN_MINUTES_MS),
    default: 500,
  })
  readonly maxEventLoopDelayMs!: number;

  @Variable({
    group: 'Rate limits',
    description:
      'Items per second that a client may use on average, unless it has a rate limit of its own (`npm run admin -- client limit`). 0: unlimited.',
    type: integer(0, MILLION),
    default: 0,
  })
  readonly rateLimitItemsPerSecond!: number;

  @Variable({
    group: 'Rate limits',
    description: 'Items that such a client may use at once. Unset: as many as in one second.',
    type: integer(1, MILLION),
  })
  readonly rateLimitItemsBurst?: number;

  @Variable({
    group: 'Rate limits',
    description:
      'Requests per second that a client may use on average, unless it has a rate limit of its own (`npm run admin -- client limit`). 0: unlimited.',
    type: integer(0, MILLION),
    default: 0,
  })
  readonly rateLimitRequestsPerSecond!: number;

  @Variable({
    group: 'Rate limits',
    description: 'Requests that such a client may use at once. Unset: as many as in one second.',
    type: integer(1, MILLION),
  })
  readonly rateLimitRequestsBurst?: number;

  @Variable({
    group: 'Rate limits',
    description:
      'Bytes per second that a client may use on average for the bodies of requests and responses, unless it has a rate limit of its own (`npm run admin -- client limit`). 0: unlimited.',
    type: integer(0, BILLION),
    default: 0,
  })
  readonly rateLimitBytesPerSecond!: number;

  @Variable({
    group: 'Rate limits',
    description: 'Bytes that such a client may use at once. Unset: as many as in one second.',
    type: integer(1, BILLION),
  })
  readonly rateLimitBytesBurst?: number;

  @Variable({
    group: 'Overload',
    description:
      'Requests with an invalid API key that one address (an IPv6 /64 network) may send per second, on average. Beyond it, requests with a key that is not in use get 429 `rate_limited` before the key is looked up. 0: no limit.',
    type: integer(0, MILLION),
    default: 20,
  })
  readonly authFailuresPerSecond!: number;

  @Variable({
    group: 'Overload',
    description: 'Requests with an invalid API key that one address may send at once.',
    type: integer(1, MILLION),
    default: 100,
  })
  readonly authFailuresBurst!: number;

  @Variable({
    group: 'Writes',
    description: 'How long an item waits for a record that another transaction holds before it is `locked`.',
    type: integer(1, TEN_MINUTES_MS),
    default: 2_000,
  })
  readonly lockTimeoutMs!: number;

  @Variable({
    group: 'Writes',
    description:
      'When changes are flushed to disk: once before the answer to a `batch` leaves, or with each `item`. Either way nothing answered is lost.',
    type: oneOf('batch', 'item'),
    default: 'batch',
  })
  readonly durability!: 'batch' | 'item';

  @Variable({
    group: 'Writes',
    description: 'Whether a property that is not defined fails its item (`unknown_property`) or is stored as it came.',
    type: oneOf('reject', 'accept'),
    default: 'reject',
  })
  readonly unknownProperties!: 'reject' | 'accept';

  @Variable({
    group: 'Idempotency',
    description:
      'How long an `Idempotency-Key` lives. After it, for 7 days more, re-use is 409 `idempotency_key_stale`. The same for gateways and workers.',
    type: integer(1, SEVEN_DAYS_SECONDS),
    default: 86_400,
  })
  readonly idempotencyTtlSeconds!: number;

  @Variable({
    group: 'Idempotency',
    description:
      'How long Redis keeps a finished answer; later replays are answered from Postgres, with the same bytes.',
    type: integer(1, SEVEN_DAYS_SECONDS),
    default: 3_600,
  })
  readonly idempotencyCacheSeconds!: number;

  @Variable({
    group: 'Worker',
    description: 'How long a worker rests between two passes that remove what is over.',
    type: integer(1, ONE_HOUR_SECONDS),
    default: 60,
  })
  readonly retentionIntervalSeconds!: number;
}
