import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DatabaseUnavailable, migrate } from '#libs/database';
import type { LedgerKey } from '#libs/idempotency';
import type { AppliedBatch, Plan } from '#libs/records';
import { batch, codesOf, Engine, entriesOf, newKey, rename, retryOf, sha256 } from '../support/engine';
import { PostgresServer } from '../support/postgres.server';
import { Session } from '../support/session';

let engine: Engine;
beforeAll(async () => {
  engine = await Engine.start({ DATABASE_POOL_SIZE: '1' });
});
afterAll(() => engine.close());

async function newRecords(count: number): Promise<{ teamId: string; ids: string[]; plan: Plan }> {
  const teamId = randomUUID();
  const ids = await engine.insert(teamId, count);
  const items = ids.map((id) => rename(id));
  return { teamId, ids, plan: batch(teamId, items) };
}

function replayedOf({ outcomes }: AppliedBatch): boolean[] {
  return outcomes.map(({ replayed }) => replayed);
}

/** The process id of the engine's only connection for the team. Retries, because a late interruption may hit this query. */
async function backend(teamId: string): Promise<number | undefined> {
  for (;;) {
    try {
      const { rows } = await engine.database.query<{ pid: number }>('SELECT pg_backend_pid() AS pid', [], { teamId });
      return rows[0]?.pid;
    } catch (error) {
      expect(error).toBeInstanceOf(DatabaseUnavailable);
    }
  }
}

/** Runs the plan until it waits for its third record, interrupts it there, and releases the record. */
async function interrupted(
  kind: 'cancel' | 'terminate',
  plan: Plan,
  ids: string[],
  key?: LedgerKey,
): Promise<AppliedBatch> {
  await engine.session.hold(plan.teamId, ids.slice(2, 3));
  const running = engine.apply(plan, key);
  for (const waiting of await engine.waitingBackends()) await engine.session[kind](waiting);
  const response = await running;
  await engine.session.release();
  return response;
}

describe('a backend that is terminated in the middle of a batch', () => {
  it('leaves a keyed batch that a retry completes, with every item applied once', async () => {
    const { teamId, ids, plan } = await newRecords(5);
    const key = newKey();
    const lost = await interrupted('terminate', plan, ids, key);
    expect(codesOf(lost)).toEqual(Array(5).fill('unavailable'));
    expect(lost.completedBy).toBeUndefined();
    for (const entry of entriesOf(lost)) expect(JSON.parse(entry)).toMatchObject({ error: { retryable: true } });

    const retry = await engine.apply(plan, retryOf(key));
    expect(retry.state).toBe('resumed');
    expect(codesOf(retry)).toEqual(Array(5).fill('ok'));
    expect(replayedOf(retry)).toEqual([true, true, false, false, false]);
    expect(await engine.versions(teamId, ids)).toEqual(Array(5).fill(2));

    const replay = await engine.apply(plan, retryOf(key));
    expect(replay.state).toBe('replayed');
    expect(entriesOf(replay)).toEqual(entriesOf(retry));
  });

  it('responds outcome_unknown to a batch without a key, with advice to read the records', async () => {
    const { teamId, ids, plan } = await newRecords(5);
    const items = [
      ...plan.items,
      { op: 'reject', id: null, code: 'invalid_item', error: '{"code": "invalid_item"}' } as const,
    ];
    const lost = await interrupted('terminate', { ...plan, items }, ids);
    expect(codesOf(lost)).toEqual([...Array<string>(5).fill('outcome_unknown'), 'invalid_item']);
    expect(entriesOf(lost)[0]).toMatch(/Read the record/);
    expect(await engine.versions(teamId, ids)).toEqual([2, 2, 1, 1, 1]);
  });

  it('leaves every item of a keyed batch open, including invalid ones', async () => {
    const { ids, plan } = await newRecords(4);
    const invalid = { op: 'reject', id: null, code: 'invalid_item', error: '{"code": "invalid_item"}' } as const;
    const missing = { ...plan, items: [...plan.items, rename(randomUUID()), invalid] };
    const stopping = { ...missing, options: { ...plan.options, onError: 'stop' } } as const;
    const key = newKey();
    expect(codesOf(await interrupted('terminate', stopping, ids, key))).toEqual(Array(6).fill('unavailable'));
    const retry = await engine.apply(stopping, retryOf(key));
    expect(codesOf(retry)).toEqual(['ok', 'ok', 'ok', 'ok', 'not_found', 'not_attempted']);
  });

  it('changes nothing with on_error rollback', async () => {
    const { teamId, ids, plan } = await newRecords(5);
    const atomic = { ...plan, options: { ...plan.options, onError: 'rollback' } } as const;
    const key = newKey();
    await interrupted('terminate', atomic, ids, key);
    expect(await engine.versions(teamId, ids)).toEqual(Array(5).fill(1));
    expect(codesOf(await engine.apply(atomic, retryOf(key)))).toEqual(Array(5).fill('ok'));
    expect(await engine.versions(teamId, ids)).toEqual(Array(5).fill(2));
  });
});

describe('a batch that is canceled in the middle', () => {
  it('responds with the applied items, and not_attempted for the others', async () => {
    const { teamId, ids, plan } = await newRecords(5);
    const key = newKey();
    const response = await interrupted('cancel', plan, ids, key);
    expect(codesOf(response)).toEqual(['ok', 'ok', 'not_attempted', 'not_attempted', 'not_attempted']);
    expect(await engine.settledItems(teamId)).toEqual([1, 2]);
    const retry = await engine.apply(plan, retryOf(key));
    expect(replayedOf(retry)).toEqual([true, true, false, false, false]);
    expect(await engine.versions(teamId, ids)).toEqual(Array(5).fill(2));
  });
});

describe('a batch that is interrupted at any moment', () => {
  it.each(['cancel', 'terminate'] as const)('by %s is applied once', async (kind) => {
    for (let round = 0; round < 12; round += 1) {
      const { teamId, ids, plan } = await newRecords(40);
      const node = await Session.ofTeam(engine.url, teamId);
      const key = newKey();
      let response: AppliedBatch | undefined;
      for (let attempt = 0; response?.completedBy === undefined; attempt += 1) {
        const pid = await backend(teamId);
        const running = engine.apply(plan, retryOf(key)).catch((error: unknown) => {
          expect(error).toBeInstanceOf(DatabaseUnavailable);
          return undefined;
        });
        // The first attempts are interrupted, each later than the one before.
        if (attempt < 4) {
          await sleep(1 + round * 0.5 + attempt);
          await node.query(`SELECT pg_${kind}_backend($1::integer)`, [pid]);
        }
        response = await running;
      }
      expect(codesOf(response)).toEqual(Array(40).fill('ok'));
      expect(await engine.versions(teamId, ids)).toEqual(Array(40).fill(2));
      await node.close();
    }
  });
});

describe('the settings that a batch makes for its session', () => {
  async function settings(teamId: string): Promise<unknown> {
    const { rows } = await engine.database.query(
      `SELECT current_setting('lock_timeout') AS lock_timeout,
              current_setting('synchronous_commit') AS synchronous_commit, pg_backend_pid() AS backend`,
      [],
      { teamId },
    );
    return rows[0];
  }

  it('are reset when it returns', async () => {
    const { teamId, plan } = await newRecords(3);
    const key = newKey();
    const untouched = { lock_timeout: '0', synchronous_commit: 'on', backend: await backend(teamId) };
    await engine.apply(plan);
    expect(await settings(teamId)).toEqual(untouched);
    await engine.apply(plan, key, 300);
    expect(await settings(teamId)).toEqual(untouched);
    for (const options of [{ onError: 'rollback' }, { dryRun: true }] as const) {
      await engine.apply({ ...plan, options: { ...plan.options, ...options } });
      expect(await settings(teamId)).toEqual(untouched);
    }
    await expect(engine.apply(plan, { ...key, fingerprint: sha256('another') })).rejects.toThrow();
    expect(await settings(teamId)).toEqual(untouched);
    await engine.session.query("UPDATE idempotency_requests SET created_at = now() - interval '25 hours'");
    await expect(engine.apply(plan, key)).rejects.toMatchObject({ code: 'idempotency_key_stale' });
    expect(await settings(teamId)).toEqual(untouched);
  });

  it('are discarded with the connection when the call fails', async () => {
    const shortTimeout = await Engine.connect(engine.url, { DATABASE_POOL_SIZE: '1', LOCK_TIMEOUT_MS: '100' });
    const { teamId, plan } = await newRecords(3);
    const holder = await Session.ofTeam(engine.url, teamId);
    await holder.lockTable('idempotency_requests', teamId, 'EXCLUSIVE');
    await expect(shortTimeout.apply(plan, newKey())).rejects.toMatchObject({ code: 'idempotency_key_in_use' });
    await holder.close();
    const { rows } = await shortTimeout.database.query("SELECT current_setting('lock_timeout') AS lock_timeout", [], {
      teamId,
    });
    await shortTimeout.close();
    expect(rows).toEqual([{ lock_timeout: '0' }]);
  });
});

describe('Postgres that is stopped immediately under load', () => {
  let server: PostgresServer;
  beforeAll(async () => {
    // The WAL writer flushes asynchronous commits late, so that the stop loses them.
    server = await PostgresServer.create({ wal_writer_delay: '10000', checkpoint_timeout: '3600' });
    await migrate(server.url);
  });
  afterAll(() => server.remove());

  it('loses no acknowledged item, and applies none twice', { timeout: 60_000 }, async () => {
    const loaded = await Engine.connect(server.url, { DATABASE_POOL_SIZE: '8' });
    const callers: Caller[] = [];
    for (const keyed of [true, true, true, false, false, false]) {
      const teamId = randomUUID();
      callers.push(new Caller(loaded, keyed, teamId, await loaded.insert(teamId, 10)));
    }
    await loaded.session.close();

    for (let round = 0; round < 2; round += 1) {
      const finish = new AbortController();
      const load = callers.map((caller) => caller.run(finish.signal));
      const acknowledged = callers.map((caller) => caller.acknowledged);
      await until(() => callers.every((caller, index) => caller.acknowledged > (acknowledged[index] ?? 0) + 20));
      await server.stop('immediate');
      finish.abort();
      await server.start();
      await Promise.all(load);
    }
    await loaded.database.close();

    const session = await Session.open(server.url);
    for (const { teamId, keyed, acknowledged, unknown } of callers) {
      const rows = await session.query<{ version: number }>('SELECT version::integer FROM records WHERE team_id = $1', [
        teamId,
      ]);
      const applied = rows.map(({ version }) => version - 1);
      expect(applied).toHaveLength(10);
      if (keyed) expect(applied).toEqual(Array(10).fill(acknowledged));
      else {
        expect(Math.min(...applied)).toBeGreaterThanOrEqual(acknowledged);
        expect(Math.max(...applied)).toBeLessThanOrEqual(acknowledged + unknown);
      }
    }
    await session.close();
  });
});

/** Patches the same ten records repeatedly, and counts acknowledged batches. */
class Caller {
  acknowledged = 0;
  /** Batches with an unknown outcome. */
  unknown = 0;

  constructor(
    private readonly engine: Engine,
    readonly keyed: boolean,
    readonly teamId: string,
    private readonly ids: readonly string[],
  ) {}

  /** Sends batches until the signal. A batch with a key is retried until it is complete. */
  async run(finish: AbortSignal): Promise<void> {
    while (!finish.aborted) {
      const items = this.ids.map((id) => rename(id, randomUUID()));
      await this.send(batch(this.teamId, items), this.keyed ? newKey() : undefined);
    }
  }

  private async send(plan: Plan, key: LedgerKey | undefined): Promise<void> {
    for (;;) {
      const response = await this.attempt(plan, key);
      if (response !== undefined && codesOf(response).every((code) => code === 'ok')) {
        this.acknowledged += 1;
        return;
      }
      if (key === undefined) {
        // Without a response the batch was not started.
        if (response !== undefined) this.unknown += 1;
        return;
      }
      await sleep(20);
    }
  }

  private async attempt(plan: Plan, key: LedgerKey | undefined): Promise<AppliedBatch | undefined> {
    try {
      return await this.engine.apply(plan, key && retryOf(key));
    } catch (error) {
      expect(error).toBeInstanceOf(DatabaseUnavailable);
      return undefined;
    }
  }
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await sleep(5);
}
