import { ITEM_ERRORS, ItemErrorCode } from '#libs/errors';

/*
 * The values that metric labels take. Every set is closed: a label never holds an id, a key, a path or a message, so the
 * number of series does not depend on what callers send.
 */

/** What changes records. `create` and `patch` change a single one. */
export const OPERATIONS = ['update', 'delete', 'create', 'patch'] as const;
export type MetricOperation = (typeof OPERATIONS)[number];

/** Those of them that take a list of items. */
export const BATCH_OPERATIONS = ['update', 'delete'] as const satisfies readonly MetricOperation[];
export type BatchOperation = (typeof BATCH_OPERATIONS)[number];

export const OBJECT_TYPES = [
  'organization',
  'contact',
  'identity',
  'deal',
  'action',
  'document',
  'engagement',
  'event',
  'comment',
] as const;
export type MetricObjectType = (typeof OBJECT_TYPES)[number];

/**
 * `stopped`: not attempted since the caller asked to stop at the first failure. `canceled`: the caller hung up, and the item
 * was not begun (`not_attempted`) or nobody knows (`unavailable`). Neither is a fault of ours.
 */
export const ITEM_OUTCOMES = ['ok', 'error', 'stopped', 'canceled', 'replayed', 'dry_run'] as const;
export type ItemOutcome = (typeof ITEM_OUTCOMES)[number];

export const ITEM_CODES = ['none', ...(Object.keys(ITEM_ERRORS) as ItemErrorCode[])] as const; // keys of a frozen catalogue
export type ItemCode = (typeof ITEM_CODES)[number];

/** The codes that are our fault, not the caller's: what the service level of items counts as bad. */
export const SERVER_ERROR_CODES = [
  'locked',
  'not_attempted',
  'unavailable',
  'outcome_unknown',
  'internal',
] as const satisfies readonly ItemCode[];

export const BATCH_RESULTS = ['all_ok', 'partial', 'all_failed'] as const;
export type BatchMetricResult = (typeof BATCH_RESULTS)[number];

export const IDEMPOTENCY_RESULTS = [
  'executed',
  'resumed',
  'replayed_cache',
  'replayed_ledger',
  'mismatch',
  'stale',
  'in_use',
] as const;
export type IdempotencyMetricResult = (typeof IDEMPOTENCY_RESULTS)[number];

export const AUTH_FAILURES = ['missing', 'malformed', 'unknown', 'revoked', 'expired', 'scope', 'team'] as const;
export type AuthFailureReason = (typeof AUTH_FAILURES)[number];

/** Why a request is refused before its API key is looked up. */
export const AUTH_THROTTLES = ['address', 'look_ups'] as const;
export type AuthThrottle = (typeof AUTH_THROTTLES)[number];

/** `data`: batches and records. `control`: API keys, property definitions and readiness. */
export const DATABASE_POOLS = ['data', 'control'] as const;
export type DatabasePool = (typeof DATABASE_POOLS)[number];

export const DATABASE_ERRORS = ['connection', 'timeout', 'call'] as const;
export type DatabaseErrorKind = (typeof DATABASE_ERRORS)[number];

export const REDIS_ERRORS = ['timeout', 'connection', 'other'] as const;
export type RedisErrorKind = (typeof REDIS_ERRORS)[number];

/** Why spans did not reach the collector. */
export const SPAN_LOSSES = ['queue_full', 'export_failed'] as const;
export type SpanLoss = (typeof SPAN_LOSSES)[number];

/** Where a request is admitted: before its body is read, and before its work begins. */
export const ADMISSION_STAGES = ['body', 'parse', 'work'] as const;
export type AdmissionStage = (typeof ADMISSION_STAGES)[number];

/** Why a request is refused with 503 before anything of it is done. */
export const SHED_REASONS = ['event_loop', 'queue_full', 'queue_wait'] as const;
export type ShedReason = (typeof SHED_REASONS)[number];

/** The synchronous sections of a request whose time is attributed to its client. */
export const CPU_STAGES = ['parse', 'fingerprint', 'plan'] as const;
export type CpuStage = (typeof CPU_STAGES)[number];
/** `other`: not attributed to a client. */
export const STALL_STAGES = [...CPU_STAGES, 'other'] as const;
export type StallStage = (typeof STALL_STAGES)[number];

/** Why a connection is closed by the server before its responses were read. */
export const CONNECTION_CUTS = ['unread', 'pipelining'] as const;
export type ConnectionCut = (typeof CONNECTION_CUTS)[number];

/** The units of rate limits. */
export const RATE_UNITS = ['items', 'requests', 'bytes'] as const;
export type RateUnit = (typeof RATE_UNITS)[number];

/** Where rate limits are counted: in Redis for all gateways, or, while it is unavailable, in the process. */
export const RATE_STORES = ['redis', 'process'] as const;
export type RateStore = (typeof RATE_STORES)[number];

export const POOL_STATES = ['total', 'idle'] as const;

export const RETENTION_RESULTS = ['ok', 'error'] as const;
export type RetentionResult = (typeof RETENTION_RESULTS)[number];

export const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'other'] as const;
type MetricMethod = (typeof METHODS)[number];

/** The label of a method as it came: anyone can send a made-up one. */
export function methodLabel(method: string): MetricMethod {
  return METHODS.find((known) => known === method) ?? 'other';
}
