import { expect, it } from 'vitest';
import { type FaultPeriod, firstWritesAfter } from './failover.figures';
import type { Attempt, RequestHistory } from './history';

const response = { status: 200, etag: undefined, location: undefined, replay: false };
const write = (gateway: 0 | 1, endedAt: number, change: object = {}): Attempt => ({
  gateway,
  invokedAt: 0,
  endedAt,
  outcome: { ...response, body: '{"results": []}', ...change },
});
const historyOf = (...attempts: Attempt[]): RequestHistory => ({
  ...{ key: 'key', keyHash: '', clientId: 'client', operation: 'update', onError: 'continue' },
  ...{ items: [], attempts, canceled: false },
});

it('measures the first write of each gateway after a takeover', () => {
  const attempts = [
    write(0, 900),
    write(0, 1_300),
    write(1, 1_200, { status: 503 }),
    write(1, 1_250, { replay: true }),
  ];
  const writes = firstWritesAfter([1_000], [historyOf(...attempts), historyOf(write(1, 4_000), write(0, 1_400))], []);
  expect(writes).toEqual([
    { gateway: 0, ms: 300, disturbed: false },
    { gateway: 1, ms: 3_000, disturbed: false },
  ]);
});

it('tells which first writes another fault or takeover disturbed within two seconds', () => {
  const histories = [historyOf(write(0, 5_000))];
  const disturbed = (takeovers: readonly number[], faults: readonly FaultPeriod[] = []): boolean | undefined =>
    firstWritesAfter(takeovers, histories, faults)[0]?.disturbed;
  const lockedFrom = (from: number): FaultPeriod[] => [{ kind: 'records-locked', from, to: from + 100 }];
  expect(disturbed([1_000], lockedFrom(1_500))).toBe(true);
  expect(disturbed([1_000], lockedFrom(3_500))).toBe(false);
  expect(disturbed([1_000, 2_500])).toBe(true);
  expect(disturbed([1_000, 4_000])).toBe(false);
});
