import { randomUUID } from 'node:crypto';
import type { ApiResponse, ApiClient } from '../../support/api.client';
import { versionOf } from '../../support/etags';

/** Six items: two records occur twice, one does not exist. Each item writes its own name. */
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

/** The positions (from 1) of the items that are applied. Item 3 fails, which becomes final in the last transaction. */
export const appliedItems = [1, 2, 4, 5, 6];

/** The response to the batch if one attempt applies it: status, version and name of each item. */
export const expectedResponse = [
  ['ok', 2, 'item 1'],
  ['ok', 2, 'item 2'],
  ['not_found', undefined, undefined],
  ['ok', 3, 'item 4'],
  ['ok', 2, 'item 5'],
  ['ok', 3, 'item 6'],
];

/** The entries of items that an interrupted attempt has applied: they show the record as it is at the resume. */
export const resumedResponse = [
  ['ok', 3, 'item 4'],
  ['ok', 3, 'item 6'],
  undefined,
  ['ok', 3, 'item 4'],
  ['ok', 2, 'item 5'],
  ['ok', 3, 'item 6'],
];

/** Version and name of each record after the batch was applied once. */
export const expectedRecords = [
  [3, 'item 4'],
  [3, 'item 6'],
  [2, 'item 5'],
];

export function summaryOf({ body }: ApiResponse): unknown[] {
  return body.results.map((result: any) => [
    result.error?.code ?? result.status,
    result.etag && versionOf(result.etag),
    result.record?.default.name,
  ]);
}

/** The positions (from 1) of the items that are marked as replayed. */
export function replayedItems({ body }: ApiResponse): number[] {
  return body.results.flatMap((result: any, index: number) => (result.replayed === true ? [index + 1] : []));
}

/** The body without `replayed` marks. */
export function unmarked({ text }: ApiResponse): string {
  return text.replaceAll(', "replayed": true', '');
}

/** Whether no item is retryable. */
export function isComplete({ status, body }: ApiResponse): boolean {
  return status === 200 && body.results.every((result: any) => result.error?.retryable !== true);
}
