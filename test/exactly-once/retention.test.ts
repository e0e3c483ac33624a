import { randomUUID } from 'node:crypto';
import { Logger } from '@nestjs/common';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { batch, codesOf, Engine, entriesOf, newKey, rename, retryOf } from '../support/engine';
import { addLedgerDay, ledgerDays, requestsSince, type Retention, startRetention } from '../support/retention';
import { isCluster, Session } from '../support/session';

/** A key lives for a day and is stale for seven more. */
const RETENTION_DAYS = 8;
const UPCOMING = ['-3', '-2', '-1', '0'];

let engine: Engine;
let session: Session;
let retention: Retention;

Logger.overrideLogger(false);

beforeEach(async () => {
  engine = await Engine.start();
  ({ session } = engine);
  retention = startRetention(engine.url);
});
afterEach(async () => {
  await retention.close();
  await engine.close();
});

/** Locks the oldest request, like an attempt at it, until the session rolls back. */
async function holdOldestRequest(): Promise<void> {
  const [oldest] = await session.query<{ team_id: string; id: string }>(
    'SELECT team_id, id FROM idempotency_requests ORDER BY created_at LIMIT 1',
  );
  await session.query('BEGIN');
  await session.query('SELECT FROM idempotency_requests WHERE team_id = $1 AND id = $2 FOR UPDATE', [
    oldest?.team_id,
    oldest?.id,
  ]);
}

describe('a retention pass', () => {
  it('creates the partitions of today and the next three days once', async () => {
    expect(await retention.run()).toEqual({ requests: 0, partitions: 0, postponed: 0 });
    expect(await ledgerDays(session)).toEqual(UPCOMING);
    await retention.run();
    expect(await ledgerDays(session)).toEqual(UPCOMING);
    expect((await retention.metric('prism_ledger_partitions_ahead')).get('')).toBe(3);
  });

  it('drops expired days only, and deletes expired requests only', async () => {
    for (const daysAgo of [30, 12, 9, 8, 7, 1, 0]) await addLedgerDay(session, daysAgo, 48);
    const kept = await requestsSince(session, RETENTION_DAYS);
    const all = await requestsSince(session, 365);
    expect(kept).toBeGreaterThanOrEqual(3 * 48);
    const pass = await retention.run();
    expect(await ledgerDays(session)).toEqual([...UPCOMING, '1', '7', '8']);
    expect(await requestsSince(session, 365)).toBe(await requestsSince(session, RETENTION_DAYS));
    // One request may expire while this runs.
    expect(pass.requests - (all - kept)).toBeOneOf([0, 1]);
    expect(pass.partitions).toBe(3);
    const items = await session.query('SELECT FROM idempotency_outcomes');
    expect(items).toHaveLength(4 * 48);
  });

  it('keeps rows longer if keys live longer', async () => {
    const longer = startRetention(engine.url, { IDEMPOTENCY_TTL_SECONDS: '604800' });
    for (const daysAgo of [15, 14, 9]) await addLedgerDay(session, daysAgo, 10);
    await longer.run();
    expect(await ledgerDays(session)).toEqual([...UPCOMING, '9', '14']);
    await longer.close();
  });

  it('keeps a day while a request refers to it', async () => {
    await addLedgerDay(session, 12, 3);
    await holdOldestRequest();
    expect(await retention.run()).toMatchObject({ requests: 2, partitions: 0 });
    expect(await ledgerDays(session)).toContain('12');
    await session.query('ROLLBACK');
    expect(await retention.run()).toMatchObject({ requests: 1, partitions: 1 });
    expect(await ledgerDays(session)).toEqual(UPCOMING);
  });

  it('drops a partition that a killed worker had detached', async () => {
    await addLedgerDay(session, 12, 3);
    await session.query('DELETE FROM idempotency_requests');
    const [expired] = await retention.ledger.expiredPartitions();
    expect(await retention.ledger.detachPartition(expired?.day ?? '')).toBe('done');
    expect(await ledgerDays(session)).toEqual([...UPCOMING, '12!']);
    expect(await retention.run()).toMatchObject({ partitions: 1, postponed: 0 });
    expect(await ledgerDays(session)).toEqual(UPCOMING);
  });

  it('removes more rows than fit into one transaction, and stops between transactions on request', async () => {
    await addLedgerDay(session, 12, 2_500);
    const stop = new AbortController();
    const purge = vi.spyOn(retention.ledger, 'purgeRequests');
    const stopped = retention.run(stop.signal);
    await vi.waitUntil(() => purge.mock.settledResults.some(({ type }) => type === 'fulfilled'), {
      interval: 1,
      timeout: 20_000,
    });
    stop.abort();
    expect(await stopped).toEqual({ requests: 1_000, partitions: 0, postponed: 0 });
    expect(await retention.run()).toEqual({ requests: 1_500, partitions: 1, postponed: 0 });
    expect((await retention.metric('prism_ledger_requests_removed_total')).get('')).toBe(2_500);
    expect((await retention.metric('prism_ledger_partitions_dropped_total')).get('')).toBe(1);
  });

  it('yields to batches: it waits for milliseconds, retries a few times, and postpones the rest to the next pass', async () => {
    const [teamId, key] = [randomUUID(), newKey()];
    const [id = ''] = await engine.insert(teamId, 1);
    await retention.run();
    await addLedgerDay(session, 12, 1);
    const holder = await Session.open(engine.url);
    await holder.query('BEGIN');
    await holder.query('SELECT FROM idempotency_outcomes LIMIT 1');
    const detach = vi.spyOn(retention.ledger, 'detachPartition');
    const pass = retention.run();
    expect(codesOf(await engine.apply(batch(teamId, [rename(id)]), key))).toEqual(['ok']);
    expect(await pass).toEqual({ requests: 1, partitions: 0, postponed: 1 });
    expect(detach).toHaveBeenCalledTimes(8);
    const limits = await session.query<{ proname: string; lock_timeout: string }>(
      `SELECT proname, substring(array_to_string(proconfig, ',') FROM 'lock_timeout=(\\w+)') AS lock_timeout
         FROM pg_proc WHERE proname IN ('detach_ledger_partition', 'drop_ledger_partition') ORDER BY proname`,
    );
    expect(limits.map(({ lock_timeout }) => lock_timeout)).toEqual(['10ms', '10ms']);
    await holder.query('ROLLBACK');
    await holder.close();
    expect(await retention.run()).toMatchObject({ partitions: 1, postponed: 0 });
  });

  it('reports the age of transaction ids and the age at which Postgres freezes rows', async () => {
    await retention.run();
    const value = async (name: string) => (await retention.metric(name)).get('');
    const [limit] = await session.query<{ autovacuum_freeze_max_age: string }>('SHOW autovacuum_freeze_max_age');
    expect(await value('prism_database_freeze_max_age')).toBe(Number(limit?.autovacuum_freeze_max_age));
    const before = (await value('prism_database_transaction_id_age')) ?? NaN;
    for (let n = 0; n < 10; n += 1) await session.query('SELECT pg_current_xact_id()');
    await retention.run();
    expect(await value('prism_database_transaction_id_age')).toBeGreaterThanOrEqual(before + 10);
  });

  // The maintenance process of Citus has transactions too.
  it.skipIf(isCluster())(
    'reports the age of a transaction while that keeps dead rows: with a snapshot, or after a write',
    async () => {
      const age = async () => {
        await retention.run();
        return (await retention.metric('prism_database_oldest_transaction_seconds')).get('') ?? NaN;
      };
      expect(await age()).toBe(0);
      await session.query('BEGIN ISOLATION LEVEL REPEATABLE READ');
      await session.query('SELECT FROM records');
      const first = await age();
      expect(first).toBeGreaterThan(0);
      expect(await age()).toBeGreaterThan(first);
      await session.query('COMMIT');

      await session.query('BEGIN');
      await session.query('SELECT FROM records'); // its snapshot ends with the statement
      expect(await age()).toBe(0);
      await session.query('SELECT pg_current_xact_id()');
      expect(await age()).toBeGreaterThan(0);
      await session.query('COMMIT');
      expect(await age()).toBe(0);
    },
  );

  it('reports the WAL that an abandoned replication slot keeps', async () => {
    const kept = async () => {
      await retention.run();
      return (await retention.metric('prism_database_slot_wal_bytes')).get('') ?? NaN;
    };
    const slot = `prism_${randomUUID().replaceAll('-', '_')}`;
    await session.query('SELECT pg_create_physical_replication_slot($1, true)', [slot]);
    try {
      const first = await kept();
      await session.query("SELECT pg_logical_emit_message(true, 'test', repeat('x', 1000000))");
      expect(await kept()).toBeGreaterThanOrEqual(first + 1_000_000);
    } finally {
      await session.query('SELECT pg_drop_replication_slot($1)', [slot]);
    }
  });

  it('reports the age of the oldest expired row, and counts passes', async () => {
    const lag = async () => (await retention.metric('prism_ledger_retention_lag_seconds')).get('') ?? NaN;
    expect(await lag()).toBe(0);
    await addLedgerDay(session, 1, 1);
    await retention.run();
    expect(await lag()).toBe(0);
    await addLedgerDay(session, 12, 1);
    await session.query(
      "UPDATE idempotency_requests SET created_at = now() - interval '12 days' WHERE day < (now() AT TIME ZONE 'UTC')::date - 5",
    );
    await holdOldestRequest();
    await retention.run();
    const first = await lag();
    expect(first / 86_400).toBeCloseTo(12 - RETENTION_DAYS, 2);
    await vi.waitUntil(async () => (await lag()) > first);
    await session.query('ROLLBACK');
    await retention.run();
    expect(await lag()).toBe(0);
    await session.query('ALTER TABLE idempotency_requests RENAME TO elsewhere');
    await expect(retention.run()).rejects.toThrow(/idempotency_requests/);
    expect(Object.fromEntries(await retention.metric('prism_retention_runs_total'))).toEqual({
      '{result="ok"}': 3,
      '{result="error"}': 1,
    });
  });
});

describe('the SQL functions of retention', () => {
  it('delete nothing that a live key needs', async () => {
    for (const daysAgo of [7, 6, 0]) await addLedgerDay(session, daysAgo, 24);
    const young = await requestsSince(session, 7);
    await session.query(
      "SELECT purge_idempotency_requests('0', NULL, 1000), purge_idempotency_requests('-1 year', NULL, 1000)",
    );
    expect(await requestsSince(session, 365)).toBeGreaterThanOrEqual(young - 1);
    // Also without a request row: an attempt may not have committed it yet.
    await session.query('DELETE FROM idempotency_requests');
    for (const step of ['detach', 'drop']) {
      const rows = await session.query<{ step: string }>(
        `SELECT ${step}_ledger_partition((now() AT TIME ZONE 'UTC')::date - n) AS step FROM generate_series(-1, 12) AS n`,
      );
      expect(new Set(rows.map((row) => row.step))).toEqual(new Set(['kept']));
    }
    expect(await ledgerDays(session)).toEqual([...UPCOMING, '6', '7']);
  });
});

// For a key that is made older: its outcomes would otherwise be in the partition of today.
const deleteOutcomes = 'DELETE FROM idempotency_outcomes';

describe('a retry', () => {
  const lifetime = 86_400;
  const stale = 7 * 86_400;

  it.each([
    ['seconds before its lifetime ends is replayed', lifetime - 5, 'replayed'],
    ['a second after it is rejected', lifetime + 1, 'stale'],
    ['seconds before the stale period ends is rejected', lifetime + stale - 5, 'stale'],
    ['a second after that is new, and happens once again', lifetime + stale + 1, 'new'],
  ])('%s, whether or not retention has run', async (_, ageSeconds, expected) => {
    for (const purged of [false, true]) {
      const [teamId, key] = [randomUUID(), newKey()];
      const [id = ''] = await engine.insert(teamId, 1);
      const plan = batch(teamId, [rename(id)]);
      const first = await engine.apply(plan, key);
      await session.query(
        'UPDATE idempotency_requests SET created_at = now() - make_interval(secs => $2) WHERE client_id = $1',
        [key.clientId, ageSeconds],
      );
      if (expected === 'new') await session.query(deleteOutcomes);
      if (purged) expect((await retention.run()).requests).toBe(expected === 'new' ? 1 : 0);
      const retry = engine.apply(plan, retryOf(key));
      if (expected === 'stale') await expect(retry).rejects.toMatchObject({ code: 'idempotency_key_stale' });
      else if (expected === 'replayed') expect(entriesOf(await retry)).toEqual(entriesOf(first));
      else expect((await retry).state).toBe('executed');
      expect(await engine.versions(teamId, [id])).toEqual([expected === 'new' ? 3 : 2]);
    }
  });

  it('after midnight resumes on the day of the first attempt, concurrently with retention', async () => {
    const [teamId, key] = [randomUUID(), newKey()];
    const [done = '', open = ''] = await engine.insert(teamId, 2);
    const plan = batch(teamId, [rename(done), rename(open)]);
    const holder = await Session.open(engine.url);
    await holder.hold(teamId, [open]);
    const short = await Engine.connect(engine.url, { LOCK_TIMEOUT_MS: '20' });
    expect(codesOf(await short.apply(plan, key))).toEqual(['ok', 'locked']);
    await holder.release();
    await addLedgerDay(session, 1, 0);
    await session.query('UPDATE idempotency_outcomes SET day = day - 1 WHERE team_id = $1', [teamId]);
    await session.query(
      "UPDATE idempotency_requests SET day = day - 1, created_at = now() - interval '23 hours' WHERE client_id = $1",
      [key.clientId],
    );
    const [resumed] = await Promise.all([engine.apply(plan, retryOf(key)), retention.run()]);
    expect(resumed.state).toBe('resumed');
    expect(resumed.outcomes.map(({ replayed }) => replayed)).toEqual([true, false]);
    expect(await engine.versions(teamId, [done, open])).toEqual([2, 2]);
    const days = await session.query(
      "SELECT codes FROM idempotency_outcomes WHERE team_id = $1 AND day = (now() AT TIME ZONE 'UTC')::date - 1",
      [teamId],
    );
    expect(days).toEqual([{ codes: ',' }]);
    expect((await engine.apply(plan, retryOf(key))).state).toBe('replayed');
    await short.close();
    await holder.close();
  });

  it('with an expired key is applied once while retention deletes that key', async () => {
    const [teamId, key] = [randomUUID(), newKey()];
    const [id = ''] = await engine.insert(teamId, 1);
    const plan = batch(teamId, [rename(id)]);
    await engine.apply(plan, key);
    for (let round = 1; round <= 25; round += 1) {
      await session.query("UPDATE idempotency_requests SET created_at = now() - interval '9 days'");
      await session.query(deleteOutcomes);
      const [one, other] = await Promise.all([
        engine.apply(plan, retryOf(key)),
        engine.apply(plan, retryOf(key)),
        retention.run(),
      ]);
      expect(entriesOf(one)).toEqual(entriesOf(other));
      expect(await engine.versions(teamId, [id])).toEqual([2 + round]);
    }
  });
});
