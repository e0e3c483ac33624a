import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { codesOf, Engine, entriesOf, newKey, renames, retryOf } from '../support/engine';
import { addLedgerDay, ledgerDays, requestsSince, startRetention } from '../support/retention';
import { WorkerProcess } from '../support/worker.process';

const UPCOMING = ['-3', '-2', '-1', '0'];
const RETENTION_DAYS = 8;
const ITEMS = 10;

let engine: Engine;

beforeEach(async () => {
  engine = await Engine.start();
});
afterEach(() => engine.close());

/** A caller that sends keyed batches for its own records, each of them twice. */
class Caller {
  batches = 0;
  failed = 0;
  private readonly teamId = randomUUID();
  private ids: string[] = [];

  static async create(): Promise<Caller> {
    const caller = new Caller();
    caller.ids = await engine.insert(caller.teamId, ITEMS);
    return caller;
  }

  async send(stop: AbortSignal): Promise<void> {
    const plan = renames(this.teamId, this.ids);
    while (!stop.aborted) {
      const key = newKey();
      const first = await engine.apply(plan, key);
      const second = await engine.apply(plan, retryOf(key));
      this.batches += 1;
      this.failed += codesOf(first).filter((code) => code !== 'ok').length;
      expect(entriesOf(second)).toEqual(entriesOf(first));
    }
  }

  /** Checks that every batch was applied once. */
  async check(): Promise<void> {
    expect(this.failed).toBe(0);
    expect(await engine.versions(this.teamId, this.ids)).toEqual(this.ids.map(() => 1 + this.batches));
  }
}

/** The number of request rows of any age. */
function requests(): Promise<number> {
  return requestsSince(engine.session, 36_500);
}

describe('retention', () => {
  it('by two workers under load removes each row once and fails no batch', async () => {
    for (let daysAgo = 10; daysAgo < 20; daysAgo += 1) await addLedgerDay(engine.session, daysAgo, 2_000);
    await addLedgerDay(engine.session, 5, 100);
    const workers = [startRetention(engine.url), startRetention(engine.url)];
    const stop = new AbortController();
    const callers = [await Caller.create(), await Caller.create(), await Caller.create()];
    const load = Promise.all(callers.map((caller) => caller.send(stop.signal)));
    while (callers.some(({ batches }) => batches === 0)) await sleep(5);
    await Promise.all(workers.map((worker) => worker.run()));
    // Rows that one worker left because the other had locked them.
    const last = await workers[0]?.run();
    stop.abort();
    await load;

    expect(last).toMatchObject({ requests: 0, postponed: 0 });
    for (const caller of callers) await caller.check();
    const sent = callers.reduce((sum, { batches }) => sum + batches, 0);
    expect(await requests()).toBe(100 + sent);
    expect(await ledgerDays(engine.session)).toEqual([...UPCOMING, '5']);
    const sumOf = async (name: string) => {
      const counts = await Promise.all(workers.map((worker) => worker.metric(name)));
      return counts.reduce((sum, metric) => sum + (metric.get('') ?? 0), 0);
    };
    expect(await sumOf('prism_ledger_requests_removed_total')).toBe(20_000);
    expect(await sumOf('prism_ledger_partitions_dropped_total')).toBe(10);
    await Promise.all(workers.map((worker) => worker.close()));
  });

  it('of a worker that is killed at any time is completed by the next worker, which deletes nothing else', async () => {
    for (let daysAgo = 10; daysAgo < 25; daysAgo += 1) await addLedgerDay(engine.session, daysAgo, 2_000);
    await addLedgerDay(engine.session, 5, 100);
    const stop = new AbortController();
    const caller = await Caller.create();
    const load = caller.send(stop.signal);
    for (const [remaining, days] of [
      [25_000, 15],
      [5_000, 15],
      [0, 12],
      [0, 5],
    ] as const) {
      const worker = await WorkerProcess.start(engine.url);
      const expired = async () => (await requests()) - (await requestsSince(engine.session, RETENTION_DAYS));
      const expiredDays = async () => (await ledgerDays(engine.session)).length - UPCOMING.length - 1;
      while ((await expired()) > remaining || (await expiredDays()) > days) await sleep(1);
      expect(await worker.end('SIGKILL')).toBe('SIGKILL');
      expect(await requestsSince(engine.session, 6)).toBeGreaterThanOrEqual(100);
    }
    const last = await WorkerProcess.start(engine.url);
    while ((await ledgerDays(engine.session)).length > UPCOMING.length + 1) await sleep(5);
    expect(await last.end('SIGTERM')).toBe(0);
    stop.abort();
    await load;
    await caller.check();
    expect(await requests()).toBe(100 + caller.batches);
    expect(await ledgerDays(engine.session)).toEqual([...UPCOMING, '5']);
  });
});

describe('the worker', () => {
  it('runs at its start, reports on its admin port, and exits with 0 on SIGTERM', async () => {
    await addLedgerDay(engine.session, 12, 10);
    const worker = await WorkerProcess.start(engine.url);
    const ready = await worker.get('/health/ready');
    expect(ready.status).toBe(200);
    expect(await ready.json()).toEqual({
      status: 'ok',
      checks: { postgres: 'up', migrations: 'current', draining: false },
    });
    expect((await worker.get('/health/live')).status).toBe(200);
    const metrics = async () => (await worker.get('/metrics')).text();
    while (!(await metrics()).includes('prism_retention_runs_total{result="ok"} 1\n')) await sleep(5);
    expect(await metrics()).toContain('prism_ledger_requests_removed_total 10\n');
    expect(await metrics()).toContain('prism_ledger_partitions_ahead 3\n');
    expect(await metrics()).toContain('prism_ledger_retention_lag_seconds 0\n');
    expect(worker.log).toContainEqual(
      expect.objectContaining({ level: 'info', msg: 'retention', requests: 10, partitions: 1, postponed: 0 }),
    );
    expect(await worker.end('SIGTERM')).toBe(0);
    expect(worker.log.at(-1)).toMatchObject({ level: 'info', msg: 'stopped' });
  });

  it('retries at every interval while its database is unavailable', async () => {
    const worker = await WorkerProcess.start(engine.url.replace(/[^/]+$/, 'prism_test_absent'), {
      RETENTION_INTERVAL_SECONDS: '1',
    });
    const metrics = async () => (await worker.get('/metrics')).text();
    while (!/prism_retention_runs_total\{result="error"\} [2-9]/.test(await metrics())) await sleep(20);
    expect((await worker.get('/health/ready')).status).toBe(503);
    expect(worker.log.filter(({ level }) => level === 'error').length).toBeGreaterThanOrEqual(2);
    expect(await worker.end('SIGTERM')).toBe(0);
  });
});
