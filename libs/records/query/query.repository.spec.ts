import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { readSettings } from '#libs/config';
import { Cancellation, type CheckoutOptions, type ConnectionPool, DatabaseUnavailable } from '#libs/database';
import { Deadline } from '#libs/limits';
import { QueryTimeout, RecordQueryRepository } from './query.repository';
import { EVERY_RECORD } from './condition';
import { QueryFields } from './query.fields';
import type { RecordFilter } from './record.query';

const BUDGET_MS = 200;
const filter: RecordFilter = {
  teamId: 'team',
  objectType: 'organization',
  fields: new QueryFields([], undefined),
  condition: EVERY_RECORD,
  ids: undefined,
  deleted: false,
};

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** Ends each statement after a time, or with an error if it is canceled before. */
function repositoryOf(statementMs: readonly number[]): RecordQueryRepository {
  const durations = [...statementMs];
  const pool = {
    withClient: (use: (client: { query: () => unknown }) => unknown, { cancellation }: CheckoutOptions) =>
      new Promise((resolve, reject) => {
        use({ query: () => undefined });
        const cancel = (): void => {
          reject(new DatabaseUnavailable('canceled'));
        };
        cancellation?.listen(cancel);
        if (cancellation?.requested === true) cancel();
        setTimeout(() => {
          resolve({ rows: [{ total: '1' }] });
        }, durations.shift());
      }),
  } as unknown as ConnectionPool; // the one method that is called
  const settings = readSettings({ DATABASE_URL: 'postgres://db/x', QUERY_TIMEOUT_MS: String(BUDGET_MS) });
  return new RecordQueryRepository(pool, pool, settings);
}

it('the budget of one statement does not cancel the next one of the request', async () => {
  const cancellation = new Cancellation();
  const options = { deadline: Deadline.in(30_000), cancellation };
  const repository = repositoryOf([2 * BUDGET_MS, 1]);
  const first = expect(repository.count(filter, options)).rejects.toBeInstanceOf(QueryTimeout);
  await vi.advanceTimersByTimeAsync(BUDGET_MS);
  await first;
  const second = expect(repository.count(filter, options)).resolves.toBe(1);
  await vi.advanceTimersByTimeAsync(1);
  await second;
});

it('a client that disconnects cancels the statement, and every later one', async () => {
  const cancellation = new Cancellation();
  const options = { deadline: Deadline.in(30_000), cancellation };
  const repository = repositoryOf([2 * BUDGET_MS, 2 * BUDGET_MS]);
  const running = expect(repository.count(filter, options)).rejects.toMatchObject({ kind: 'canceled' });
  cancellation.request();
  await running;
  await expect(repository.count(filter, options)).rejects.toMatchObject({ kind: 'canceled' });
});
