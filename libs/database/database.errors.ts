import { RequestError } from '#libs/errors';

/** The SQLSTATEs that the programs handle, by name. */
export const SQL_STATES = {
  undefinedTable: '42P01',
  queryCanceled: '57014',
  uniqueViolation: '23505',
  foreignKeyViolation: '23503',
  lockNotAvailable: '55P03',
  invalidFunctionDefinition: '42P13',
  ambiguousFunction: '42725',
  readOnlyTransaction: '25006',
  tooManyConnections: '53300',
  duplicatePreparedStatement: '42P05',
} as const;

/** A server that can be reached but not used. The message says why, and how to correct it. */
export class UnusableServer extends Error {
  override readonly name = 'UnusableServer';
}

/**
 * - `connection`: the database cannot be reached, rejected the connection or closed it
 * - `timeout`: no connection was free, or no response came, in time
 * - `unconfirmed`: a commit's wait for the synchronous standby was interrupted, so that it may be missing after a failover
 */
export type DatabaseFailure = 'connection' | 'timeout' | 'unconfirmed';

/** The database failed, see {@link DatabaseFailure}, or the caller canceled the work. Retryable. */
export class DatabaseUnavailable extends RequestError {
  constructor(
    readonly kind: DatabaseFailure | 'canceled',
    options: { cause?: unknown } = {},
  ) {
    super('unavailable', 'the database is not available; nothing is wrong with the request, send it again', options);
  }
}

const NETWORK_CODES = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOENT',
]);

// Connection exceptions, insufficient resources, operator intervention (shutdown, crash, startup), read-only transaction.
const UNAVAILABLE_STATES = /^(08|53|57P|25006)/;

// query_canceled (including by statement_timeout), lock_not_available, serialization_failure, deadlock_detected.
const TRANSIENT_STATES = /^(57014|55P03|40001|40P01)/;

// node-postgres sets no code on these errors.
const LOST_CONNECTION =
  /Connection terminated|connection error and is not queryable|Client was closed|socket disconnected/i;

// Citus sets a general code when a node loses its connection to another one in a transaction.
const LOST_NODE = /could not commit transaction for shard|failure on connection marked as essential/i;

/** The SQLSTATE of an error that Postgres reported, else undefined. */
export function sqlStateOf(error: unknown): string | undefined {
  const code = codeOf(error);
  return code !== undefined && /^[0-9A-Z]{5}$/.test(code) ? code : undefined;
}

/** Whether the connection failed, not the statement. */
export function isConnectionFailure(error: unknown): boolean {
  if (error instanceof DatabaseUnavailable || error instanceof UnusableServer) return true;
  const code = codeOf(error);
  if (code !== undefined && (NETWORK_CODES.has(code) || UNAVAILABLE_STATES.test(code))) return true;
  return error instanceof Error && (LOST_CONNECTION.test(error.message) || LOST_NODE.test(error.message));
}

/** Whether the statement failed because of other work, such as a lock: the same statement may succeed later. */
export function isTransientError(error: unknown): boolean {
  const state = sqlStateOf(error);
  return state !== undefined && TRANSIENT_STATES.test(state);
}

/** The `code` of an error: a SQLSTATE, or a code of Node.js. */
export function codeOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}
