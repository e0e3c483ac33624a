import { randomUUID } from 'node:crypto';
import type { ApiResponse, ApiClient } from '../../support/api.client';

/** Six items: two records come twice, one is not there. Every name tells which item wrote it. */
export class KeyedBatch {
  readonly key = randomUUID();
  readonly records = [randomUUID(), randomUUID(), randomUUID()] as const;
  private readonly items: readonly { id: string; default: { name: string } }[];

  constructor() {
    const [a, b, c] = this.records;
    this.items = [a, b, randomUUID(), a, c, b].map((id, index) => ({ id, default: { name: `item ${index + 1}` } }));
  }

  send(caller: ApiClient): Promise<ApiResponse> {
    return caller.update([...this.items], undefined, { 'idempotency-key': this.key });
  }
}

/** What every attempt at the batch is to be answered with in the end: status, etag and name of each item. */
export const expectedResponse = [
  ['ok', '"2"', 'item 1'],
  ['ok', '"2"', 'item 2'],
  ['not_found', undefined, undefined],
  ['ok', '"3"', 'item 4'],
  ['ok', '"2"', 'item 5'],
  ['ok', '"3"', 'item 6'],
];

/** What became of the batch's records, once each of its items happened once: version and name. */
export const rightRecords = [
  [3, 'item 4'],
  [3, 'item 6'],
  [2, 'item 5'],
];

export function summaryOf({ body }: ApiResponse): unknown[] {
  return body.results.map((result: any) => [
    result.error?.code ?? result.status,
    result.etag,
    result.record?.default.name,
  ]);
}

/** The places (from 1) of the items that an answer says were taken from the ledger. */
export function replayedItems({ body }: ApiResponse): number[] {
  return body.results.flatMap((result: any, index: number) => (result.replayed === true ? [index + 1] : []));
}

/** The answer's bytes without the marks of which attempt did what. */
export function unmarked({ text }: ApiResponse): string {
  return text.replaceAll(', "replayed": true', '');
}

/** Whether no retry changes anything any more. */
export function isComplete({ status, body }: ApiResponse): boolean {
  return status === 200 && body.results.every((result: any) => result.error?.retryable !== true);
}
