import { v7 as uuidv7 } from 'uuid';
import { type ItemError, itemError, fieldSegment } from '#libs/errors';
import { isObject, type ItemValidator } from '#libs/properties';
import { MAX_ITEMS, planCreate, type PlanItem, reject } from '#libs/records';
import { MAX_ROWS } from './import.job';

const ROW_MEMBERS = ['default', 'list', 'extended'];

/** The largest result of a row whose error has no details, in bytes. */
const RESULT_BYTES = 1_024;
/** The largest error of such a result, in bytes. The rest of a result takes 150. */
const MAX_ERROR_BYTES = 768;

/** The maximum number of rows of an import whose results fit into a response of this size. */
export function maxRowsOf(responseLimitBytes: number): number {
  return Math.max(1, Math.min(MAX_ROWS, Math.floor(responseLimitBytes / RESULT_BYTES)));
}

interface ImportLimits {
  /** `ITEM_LIMIT_BYTES`. */
  readonly itemLimitBytes: number;
  /** The size of the request body. No row is larger. */
  readonly bodyBytes: number;
  /** `RESPONSE_LIMIT_BYTES`. */
  readonly responseLimitBytes: number;
}

/**
 * Plans the rows of an import: each becomes a new record with an id, which it has in every attempt, or an item error. Errors keep
 * their details (`errors`) as long as the results of the whole import fit into one response.
 */
export class ImportPlanner {
  private detailBytes: number;

  constructor(
    private readonly validator: ItemValidator,
    private readonly limits: ImportLimits,
    rows: number,
  ) {
    this.detailBytes = limits.responseLimitBytes - rows * RESULT_BYTES;
  }

  plan(row: unknown): PlanItem {
    const error = this.errorOf(row);
    if (error !== undefined) return reject(null, this.shortened(error));
    const validation = this.validator.create(row as object); // errorOf has checked it
    if ('change' in validation) return planCreate(uuidv7(), validation.change);
    const { code, errors } = validation;
    return reject(null, this.shortened(itemError(code, errors[0]?.message, errors)));
  }

  private errorOf(row: unknown): ItemError | undefined {
    if (!isObject(row)) return itemError('invalid_item', 'a row must be an object with default, list or both');
    const names = Object.keys(row);
    const unknown = names.find((name) => !ROW_MEMBERS.includes(name));
    if (unknown !== undefined) {
      const message = `a row has no such field; it takes ${ROW_MEMBERS.join(', ')}`;
      return itemError('invalid_item', message, [{ field: fieldSegment(unknown), code: 'unknown_field', message }]);
    }
    if (names.length === 0) return itemError('invalid_item', 'a row takes at least one of default, list, extended');
    const { bodyBytes, itemLimitBytes } = this.limits;
    const bytes = bodyBytes > itemLimitBytes ? bytesOf(row) : 0;
    if (bytes <= itemLimitBytes) return undefined;
    return itemError('too_large', `the row has ${bytes} bytes of JSON; at most ${itemLimitBytes} are allowed`);
  }

  private shortened(error: ItemError): ItemError {
    const bytes = bytesOf(error);
    if (bytes <= this.detailBytes) {
      this.detailBytes -= bytes;
      return error;
    }
    const short = itemError(error.code, error.message);
    return bytesOf(short) <= MAX_ERROR_BYTES ? short : itemError(error.code);
  }
}

function bytesOf(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value));
}

/** The items in chunks that `apply_batch` takes. */
export function chunksOf(items: readonly PlanItem[]): PlanItem[][] {
  const chunks: PlanItem[][] = [];
  for (let i = 0; i < items.length; i += MAX_ITEMS) chunks.push(items.slice(i, i + MAX_ITEMS));
  return chunks;
}
