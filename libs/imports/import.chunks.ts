import { RequestError } from '#libs/errors';
import { MAX_ITEMS } from '#libs/records';
import { CurrentLookups } from './current.lookups';
import type { ImportItem } from './import.plan';

/** What the items of an import can take in addition to the content of its rows, in bytes: 1.6 KiB for each of 10,000 rows. */
const BASE_BYTES = 16_777_216;
/** How often an item repeats the content of its row at most, with ordinary values. */
const MAX_COPIES = 4;
/** The heap that an item takes at most, as a multiple of the heap of its parsed row. */
const PLAN_HEAP_FACTOR = 8;

const WITHOUT_LOOKUPS = new CurrentLookups([]);

/** Items as JSON texts, as many as `apply_batch` takes. */
export type ImportChunk = readonly string[];

/** The items of an import as they are stored: without lookups, because those of the moment when an item is applied count. */
export class ImportChunks {
  readonly list: string[][] = [];
  private bytes = 0;

  constructor(private readonly limitBytes: number) {}

  /** @throws RequestError `payload_too_large` */
  add(item: ImportItem): void {
    const text = JSON.stringify(WITHOUT_LOOKUPS.refresh(item));
    this.bytes += Buffer.byteLength(text);
    if (this.bytes > this.limitBytes) {
      const message = `The rows take more than ${this.limitBytes} bytes as they are stored. Nothing was done. Send fewer rows in one import.`;
      throw new RequestError('payload_too_large', message, { details: { limit_bytes: this.limitBytes } });
    }
    const last = this.list.at(-1);
    if (last === undefined || last.length === MAX_ITEMS) this.list.push([text]);
    else last.push(text);
  }
}

/** The maximum size of the items of one import, in bytes. @param bodyLimitBytes `BODY_LIMIT_BYTES` */
export function maxPlanBytesOf(bodyLimitBytes: number): number {
  return BASE_BYTES + MAX_COPIES * bodyLimitBytes;
}

/** An upper estimate of the heap that the items of an import take, in bytes. @param bodyHeap that of the parsed body */
export function planHeapOf(bodyHeap: number, bodyLimitBytes: number): number {
  return Math.min(maxPlanBytesOf(bodyLimitBytes), PLAN_HEAP_FACTOR * bodyHeap);
}
