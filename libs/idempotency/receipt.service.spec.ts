import { describe, expect, it } from 'vitest';
import type { ClaimStore } from './claim.store';
import { hashKey, type IdempotencyId } from './idempotency-key';
import type { ReceiptRepository, StoredRequest } from './receipt.repository';
import { type Receipt, ReceiptService } from './receipt.service';

const CLIENT = { teamId: 't', clientId: 'c' };
const INTERRUPTED = { complete: false, recent: false, results: 'null' } as StoredRequest; // nothing else is read
const RECENT = { ...INTERRUPTED, recent: true };
const COMPLETE = { ...INTERRUPTED, complete: true, results: '{}' };

/** Finds a receipt where the ledger has these requests, one for each lookup, and Redis says whether there is a claim. */
async function receiptOf(
  requests: (StoredRequest | undefined)[],
  claimed?: boolean,
): Promise<{ receipt: Receipt | undefined; calls: string[]; ids: IdempotencyId[] }> {
  const calls: string[] = [];
  const ids: IdempotencyId[] = [];
  const ledger: Pick<ReceiptRepository, 'find'> = {
    find: (id) => {
      calls.push('ledger');
      ids.push(id);
      return Promise.resolve(requests.shift());
    },
  };
  const claims: Pick<ClaimStore, 'isClaimed'> = {
    isClaimed: (id) => {
      calls.push('claim');
      ids.push(id);
      return Promise.resolve(claimed);
    },
  };
  const service = new ReceiptService(ledger as ReceiptRepository, claims as ClaimStore); // all that it uses
  return { receipt: await service.find(CLIENT, '"k"', {}), calls, ids };
}

describe('ReceiptService', () => {
  it('asks for no claim if the request is unknown or complete', async () => {
    expect(await receiptOf([undefined])).toMatchObject({ receipt: undefined, calls: ['ledger'] });
    expect(await receiptOf([COMPLETE])).toMatchObject({
      receipt: { ...COMPLETE, state: 'complete' },
      calls: ['ledger'],
    });
  });

  it('looks up the hash of the decoded key, of the client', async () => {
    const { ids } = await receiptOf([INTERRUPTED, INTERRUPTED], false);
    expect(ids).toEqual([1, 2, 3].map(() => ({ ...CLIENT, keyHash: hashKey('k') })));
  });

  it('finds a request in progress if an attempt holds the claim', async () => {
    expect(await receiptOf([INTERRUPTED], true)).toMatchObject({ receipt: { state: 'in_progress' } });
  });

  it('finds an interrupted request if none does, even a recent one', async () => {
    expect(await receiptOf([INTERRUPTED, INTERRUPTED], false)).toMatchObject({ receipt: { state: 'interrupted' } });
    expect(await receiptOf([RECENT, RECENT], false)).toMatchObject({ receipt: { state: 'interrupted' } });
  });

  it('takes a recent request for one in progress if Redis is unavailable', async () => {
    expect(await receiptOf([RECENT])).toMatchObject({ receipt: { state: 'in_progress' } });
    expect(await receiptOf([INTERRUPTED])).toMatchObject({ receipt: { state: 'interrupted' } });
  });

  it('finds what an attempt did that ended between the lookups', async () => {
    const { receipt, calls } = await receiptOf([INTERRUPTED, COMPLETE], false);
    expect(receipt).toEqual({ ...COMPLETE, state: 'complete' });
    expect(calls).toEqual(['ledger', 'claim', 'ledger']);
    expect(await receiptOf([INTERRUPTED, undefined], false)).toMatchObject({ receipt: undefined });
  });
});
