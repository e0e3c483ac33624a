import { hash } from 'node:crypto';
import { parseUuid } from '#libs/json';
import { canonicalOf } from './condition';
import { invalidQuery } from './query.error';
import { MAX_PAGE_ROWS, type RecordFilter } from './record.query';
import type { SortKey } from './sort.order';

/** The position after a row, and the size of the page that it was on. */
export interface Cursor {
  readonly limit: number;
  /** The sort values of the row. */
  readonly values: readonly (string | null)[];
}

const VERSION = 1;
const CHECKSUM_BYTES = 12;
/** Bounds what is decoded. A cursor has at most 7 values of 256 characters, and a number has some hundred digits. */
const MAX_LENGTH = 12_000;
const MAX_VALUE_LENGTH = 1_024;
const BASE64URL = /^[\w-]+$/;
const NUMBER = /^-?\d+(\.\d+)?$/;

/**
 * Cursors are opaque: a checksum, and the position as JSON. The checksum covers the position and the query, so that a damaged
 * cursor, or the cursor of another query, is an error and not a page that is silently wrong. It is no signature, and needs no
 * key that all gateways share: a cursor gives no access, because the team comes from the API key and every value is checked.
 */
export class CursorCodec {
  /** Equal for equal queries. */
  private readonly query: Buffer;

  constructor(
    { teamId, objectType, fields, condition, ids, deleted }: RecordFilter,
    private readonly order: readonly SortKey[],
  ) {
    const keys = order.map(({ field, direction }) => [field.source, field.slug, field.comparison, direction]);
    const query = JSON.stringify([teamId, objectType, fields.listId, canonicalOf(condition), ids, deleted, keys]);
    this.query = Buffer.from(`${query}\0`);
  }

  encode({ limit, values }: Cursor): string {
    const position = Buffer.from(JSON.stringify([VERSION, limit, ...values]));
    return Buffer.concat([this.checksum(position), position]).toString('base64url');
  }

  /**
   * @param path of the cursor in the request
   * @throws RequestError `invalid_request` for anything but a cursor of this query
   */
  decode(text: string, path: string): Cursor {
    const cursor = this.read(text);
    if (cursor !== undefined) return cursor;
    const rule = 'must be the next_cursor of a page of this query, with the same filter, sort, list_id, id and deleted';
    throw invalidQuery(path, 'cursor', `${rule}; leave it out to start with the first page`);
  }

  private read(text: string): Cursor | undefined {
    if (text.length > MAX_LENGTH || !BASE64URL.test(text)) return undefined;
    const bytes = Buffer.from(text, 'base64url');
    const position = bytes.subarray(CHECKSUM_BYTES);
    if (!this.checksum(position).equals(bytes.subarray(0, CHECKSUM_BYTES))) return undefined;
    return this.cursorOf(parseJson(position));
  }

  /** Checks every value, because anyone can compute the checksum. */
  private cursorOf(position: unknown): Cursor | undefined {
    if (!Array.isArray(position) || position.length !== this.order.length + 2) return undefined;
    const [version, limit, ...values] = position as unknown[];
    if (version !== VERSION || !Number.isInteger(limit) || Number(limit) < 1 || Number(limit) > MAX_PAGE_ROWS)
      return undefined;
    return values.every((value, index): value is string | null => isValueOf(this.order[index], value))
      ? { limit: Number(limit), values }
      : undefined;
  }

  private checksum(position: Buffer): Buffer {
    return hash('sha256', Buffer.concat([this.query, position]), 'buffer').subarray(0, CHECKSUM_BYTES);
  }
}

function parseJson(position: Buffer): unknown {
  try {
    return JSON.parse(position.toString());
  } catch {
    return undefined; // a forged cursor
  }
}

function isValueOf(key: SortKey | undefined, value: unknown): boolean {
  if (key === undefined) return false;
  const { source, comparison } = key.field;
  const isBlock = source === 'default' || source === 'list';
  if (value === null) return isBlock;
  if (typeof value !== 'string' || value.length > MAX_VALUE_LENGTH) return false;
  if (source === 'id') return parseUuid(value) === value;
  if (!isBlock) return isTimestamp(value);
  if (comparison === 'number' || comparison === 'date') return NUMBER.test(value);
  if (comparison === 'boolean') return value === 'true' || value === 'false';
  return !value.includes('\0') && value.isWellFormed();
}

/** A time as `format_timestamp` writes it. */
function isTimestamp(value: string): boolean {
  const time = Date.parse(value);
  return !Number.isNaN(time) && new Date(time).toISOString() === value && value > '0001';
}
