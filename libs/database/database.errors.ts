import { RequestError } from '#libs/errors';

/** SQLSTATEs by name, as far as the product tells them apart. */
export const sqlState = {
  undefinedTable: '42P01',
  queryCanceled: '57014',
  uniqueViolation: '23505',
  foreignKeyViolation: '23503',
  lockNotAvailable: '55P03',
} as const;

/**
 * The database cannot be reached, went away, or did not answer in time: worth another try. Or whoever asked took it back
 * (`canceled`).
 */
export class DatabaseUnavailable extends RequestError {
  constructor(
    readonly kind: 'connection' | 'timeout' | 'canceled',
    options: { cause?: unknown } = {},
  ) {
    super('unavailable', 'the database is not available; nothing is wrong with the request, send it again', options);
  }
}

const networkCodes = new Set([
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

// Connection exceptions, insufficient resources, operator intervention (shutdown, crash, starting up), a standby.
const unavailableStates = /^(08|53|57P|25006)/;

// Canceled (also by statement_timeout), waited too long for a lock, or chosen to end a deadlock.
const transientStates = /^(57014|55P03|40001|40P01)/;

// node-postgres gives these no code.
const lostConnection =
  /Connection terminated|connection error and is not queryable|Client was closed|socket disconnected/i;

/** The SQLSTATE of an error that Postgres reported, else undefined. */
export function sqlStateOf(error: unknown): string | undefined {
  const code = codeOf(error);
  return code !== undefined && /^[0-9A-Z]{5}$/.test(code) ? code : undefined;
}

/** Whether the connection, not the statement, is what failed. */
export function isConnectionFailure(error: unknown): boolean {
  if (error instanceof DatabaseUnavailable) return true;
  const code = codeOf(error);
  if (code !== undefined && (networkCodes.has(code) || unavailableStates.test(code))) return true;
  return error instanceof Error && lostConnection.test(error.message);
}

/** Whether the statement was sound but other work was in its way: the same one may succeed at another time. */
export function isTransientError(error: unknown): boolean {
  const state = sqlStateOf(error);
  return state !== undefined && transientStates.test(state);
}

function codeOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}
