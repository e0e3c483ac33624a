import { expect, it } from 'vitest';
import { firstWritesAfter, lateFirstWrites } from './failover.figures';
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
  expect(lateFirstWrites(writes)).toEqual([
    { rule: 'process', message: 'the first write of gateway 2 was 3000 ms after a takeover, more than 2000 ms' },
  ]);
});

it('does not judge a first write that another fault or takeover disturbed', () => {
  const histories = [historyOf(write(0, 5_000), write(1, 5_000))];
  const faults = [{ kind: 'records-locked', from: 1_500, to: 1_600 }] as const;
  expect(lateFirstWrites(firstWritesAfter([1_000], histories, faults))).toEqual([]);
  expect(lateFirstWrites(firstWritesAfter([1_000, 4_000], histories, []))).toEqual([]);
});
