import { randomUUID } from 'node:crypto';
import { Logger } from '@nestjs/common';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { DatabaseUnavailable } from '#libs/database';
import { ImportRequestRepository } from '#libs/imports';
import type { ApiClient, ApiResponse } from '../support/api.client';
import { type ImportTrial, countImported, startImportTrial } from '../support/import.trial';
import { startGateway, type TestGateway } from '../support/gateway';
import { type ImportWorker, startImportWorker } from '../support/import.worker';

Logger.overrideLogger(false);

let gateway: TestGateway;
let caller: ApiClient;
let worker: ImportWorker;

beforeEach(async () => {
  gateway = await startGateway();
  caller = await gateway.newCaller();
  worker = startImportWorker(gateway.databaseUrl);
});
afterEach(async () => {
  await worker.close();
  await gateway.close();
});

function importRows(
  rows: number,
  headers: Record<string, string> = {},
  from: ApiClient = caller,
): Promise<ApiResponse> {
  const objects = Array.from({ length: rows }, (_, i) => ({ default: { name: `Row ${i}` } }));
  return from.call('POST', from.path('organization/import'), { body: { objects }, headers });
}

async function jobOf(accepted: ApiResponse, from: ApiClient = caller): Promise<any> {
  return (await from.call('GET', String(accepted.headers.location))).body;
}

/** The names of all records, sorted by their number. */
async function names(): Promise<string[]> {
  const { rows } = await gateway.database.query<{ name: string }>(
    "SELECT properties ->> 'name' AS name FROM records ORDER BY substr(properties ->> 'name', 5)::integer",
  );
  return rows.map(({ name }) => name);
}

function expectedNames(rows: number): string[] {
  return Array.from({ length: rows }, (_, i) => `Row ${i}`);
}

/** Lets every chunk be attempted at once. */
async function endBackoff(): Promise<void> {
  await gateway.database.query('UPDATE import_chunks SET next_attempt_at = now()');
  await gateway.database.query('UPDATE import_jobs SET next_attempt_at = now()');
}

/** The database fails each insert of this name, with an internal error by default. */
async function poison(name: string, statement = `RAISE EXCEPTION 'poison'`): Promise<() => Promise<void>> {
  await gateway.database.query(`
    CREATE FUNCTION poison() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      IF NEW.properties ->> 'name' = '${name}' THEN ${statement}; END IF;
      RETURN NEW;
    END $$`);
  await gateway.database.query('CREATE TRIGGER poison BEFORE INSERT ON records FOR EACH ROW EXECUTE FUNCTION poison()');
  return async () => {
    await gateway.database.query('DROP TRIGGER poison ON records');
  };
}

describe('an import job', () => {
  it('creates each row once although its worker is killed twice', async () => {
    const trial: ImportTrial = await startImportTrial(gateway.databaseUrl, caller, 1_000);
    await trial.killWorker(2);
    expect(await trial.finishedJob()).toMatchObject({ status: 'complete', succeeded: 1_000, failed: 0 });
    expect(await countImported(gateway.database, caller.teamId)).toEqual({ records: 1_000, duplicates: 0, changed: 0 });
    await trial.end();
  });

  it('is not harmed by a worker that has lost its lease in the middle of a chunk', async () => {
    const accepted = await importRows(250);
    const late = startImportWorker(gateway.databaseUrl, { IMPORT_CONCURRENCY: '1' });
    const store = late.jobs.storeChunk.bind(late.jobs);
    let resume: () => void = () => undefined;
    const stored = new Promise<void>((paused) => {
      vi.spyOn(late.jobs, 'storeChunk').mockImplementationOnce(async (...chunk) => {
        paused();
        await new Promise<void>((resolve) => (resume = resolve));
        return store(...chunk);
      });
    });
    const turn = late.runner.runTurn(new AbortController().signal);
    await stored;
    await gateway.database.query('UPDATE import_jobs SET lease_until = now()');
    await endBackoff();
    await worker.runAll();
    const job = await jobOf(accepted);
    expect(job).toMatchObject({ status: 'complete', processed: 250, succeeded: 250 });
    resume();
    expect(await turn).toBe(true);
    expect(await jobOf(accepted)).toEqual(job);
    expect(await names()).toEqual(expectedNames(250));
    expect((await late.metric('prism_import_chunks_total')).get('{result="done"}')).toBe(0);
    await late.close();
  });

  it('is shared by workers, and each row is created once', async () => {
    const jobs = await Promise.all([importRows(300), importRows(200), importRows(100)]);
    const other = startImportWorker(gateway.databaseUrl);
    await Promise.all([worker.runAll(), other.runAll()]);
    await other.close();
    for (const accepted of jobs) expect(await jobOf(accepted)).toMatchObject({ status: 'complete', failed: 0 });
    expect(await names()).toHaveLength(600);
  });

  it('takes turns with the jobs of other clients', async () => {
    const second = await gateway.newCaller({ client: 'crm' });
    await importRows(100);
    await importRows(100);
    const last = await importRows(100, {}, second);
    const { signal } = new AbortController();
    await worker.runner.runTurn(signal);
    await worker.runner.runTurn(signal);
    expect((await jobOf(last, second)).status).toBe('complete');
    expect(await worker.jobs.backlog()).toMatchObject({ jobs: 1, rows: 100 });
    await worker.runAll();
    expect(await worker.jobs.backlog()).toEqual({ jobs: 0, rows: 0, oldestSeconds: 0 });
  });

  it('does not block others if a row fails repeatedly, and fails the row for good after 15 attempts', async () => {
    const accepted = await importRows(150);
    await poison('Row 120');
    const other = await importRows(100);
    await worker.runAll();
    expect((await jobOf(other)).status).toBe('complete');
    expect(await jobOf(accepted)).toMatchObject({ status: 'processing', processed: 100 });
    for (let attempt = 2; attempt <= 16; attempt += 1) {
      await endBackoff();
      await worker.runAll();
    }
    const job = await jobOf(accepted);
    expect(job).toMatchObject({ status: 'complete', processed: 150, succeeded: 149, failed: 1 });
    expect(job.results[120]).toMatchObject({
      id: null,
      error: { code: 'internal', message: expect.stringContaining('15 attempts'), retryable: false },
    });
    const chunks = await worker.metric('prism_import_chunks_total');
    expect(Object.fromEntries(chunks)).toEqual({
      '{result="done"}': 2,
      '{result="retry"}': 15,
      '{result="failed"}': 1,
    });
    expect(await names()).toHaveLength(249);
  });

  it('continues a chunk after the lifetime of idempotency keys', async () => {
    const short = startImportWorker(gateway.databaseUrl, { IDEMPOTENCY_TTL_SECONDS: '3600' });
    const accepted = await importRows(100);
    const repair = await poison('Row 50');
    await short.runAll();
    await repair();
    await gateway.database.query("UPDATE idempotency_requests SET created_at = now() - interval '2 days'");
    await endBackoff();
    await short.runAll();
    await short.close();
    expect(await jobOf(accepted)).toMatchObject({ status: 'complete', succeeded: 100 });
    expect(await names()).toEqual(expectedNames(100));
  });

  it('reports what interrupted attempts have applied when the remaining rows of their chunk fail', async () => {
    const accepted = await importRows(100);
    await poison('Row 50', 'PERFORM pg_terminate_backend(pg_backend_pid())');
    for (let attempt = 1; attempt <= 16; attempt += 1) {
      await endBackoff();
      await worker.runAll();
    }
    const job = await jobOf(accepted);
    expect(job).toMatchObject({ status: 'complete', processed: 100, succeeded: 50, failed: 50 });
    const { rows } = await gateway.database.query<{ id: string }>('SELECT id FROM records');
    expect(
      job.results
        .slice(0, 50)
        .map(({ id }: any) => id)
        .sort(),
    ).toEqual(rows.map(({ id }) => id).sort());
    expect(job.results[49]).toMatchObject({ created: true, existing: false, error: null });
    expect(job.results[50]).toMatchObject({ id: null, error: { code: 'internal', retryable: false } });
  });

  it('fails what is left of it after 6 days, and keeps what is done', async () => {
    const accepted = await importRows(250);
    const repair = await poison('Row 120');
    await worker.runAll();
    await repair();
    await gateway.database.query("UPDATE import_jobs SET created_at = now() - interval '6 days 1 second'");
    await endBackoff();
    await worker.runAll();
    const job = await jobOf(accepted);
    expect(job).toMatchObject({ status: 'failed', processed: 250, succeeded: 249, failed: 1 });
    expect(job.results[120]).toMatchObject({ id: null, error: { code: 'not_attempted', retryable: false } });
    expect((await worker.metric('prism_import_jobs_total')).get('{result="failed"}')).toBe(1);
  });

  it('is removed with its rows when it has expired', async () => {
    await importRows(200);
    const kept = await importRows(100);
    await worker.runAll();
    await gateway.database.query("UPDATE import_jobs SET expires_at = now() - interval '1 s' WHERE total = 200");
    expect(await worker.jobs.purge()).toBe(1);
    expect(await worker.jobs.purge()).toBe(0);
    const { rows } = await gateway.database.query('SELECT job_id FROM import_chunks');
    expect(rows).toEqual([{ job_id: kept.body.job_id }]);
  });

  it('continues after the worker was stopped between two chunks', async () => {
    const accepted = await importRows(300);
    const stopped = AbortSignal.abort();
    expect(await worker.runner.runTurn(stopped)).toBe(true);
    expect((await jobOf(accepted)).processed).toBe(0);
    await worker.runAll();
    expect((await jobOf(accepted)).status).toBe('complete');
    expect(await worker.runner.runTurn(stopped)).toBe(false);
  });
});

describe('an import within the request', () => {
  const key = (): Record<string, string> => ({ 'idempotency-key': randomUUID() });

  it('is resumed by a retry if the gateway dies before it can complete the request', async () => {
    const imports = gateway.app.get(ImportRequestRepository);
    vi.spyOn(imports, 'completeRequest').mockRejectedValueOnce(new DatabaseUnavailable('connection'));
    const headers = key();
    expect((await importRows(50, headers)).status).toBe(503);
    expect(await names()).toEqual(expectedNames(50));
    const receipt = await caller.call('GET', caller.path(`receipts/${headers['idempotency-key'] ?? ''}`));
    expect(receipt.body).toMatchObject({ state: 'interrupted', results: [null] });
    const retry = await importRows(50, headers);
    expect(retry).toMatchObject({ status: 200, body: { succeeded: 50 } });
    expect((await importRows(50, headers)).text).toBe(retry.text);
    expect(await names()).toEqual(expectedNames(50));
  });

  it('is not complete while a row can be attempted again, and a retry attempts only that', async () => {
    const repair = await poison('Row 7');
    const headers = key();
    const first = await importRows(20, headers);
    expect(first.body).toMatchObject({ succeeded: 19, failed: 1 });
    expect(first.body.results[7].error).toMatchObject({ code: 'internal', retryable: true });
    await repair();
    const second = await importRows(20, headers);
    expect(second.body).toMatchObject({ succeeded: 20, failed: 0 });
    expect(second.headers).not.toHaveProperty('idempotent-replay');
    expect(second.body.results[0].id).toBe(first.body.results[0].id);
    expect((await importRows(20, headers)).text).toBe(second.text);
    expect(await names()).toEqual(expectedNames(20));
  });

  it('completes once if two attempts end at the same time', async () => {
    const headers = key();
    const imports = gateway.app.get(ImportRequestRepository);
    const complete = imports.completeRequest.bind(imports);
    vi.spyOn(imports, 'completeRequest').mockImplementationOnce(async (teamId, jobId, ledgerKey, body, options) => {
      const first = await complete(teamId, jobId, ledgerKey, body, options);
      const second = await complete(teamId, jobId, ledgerKey, '{}', options);
      expect(second).toBe(first);
      return second;
    });
    expect((await importRows(3, headers)).body).toMatchObject({ succeeded: 3 });
  });

  it('is rejected as stale if its key was forgotten in the meantime', async () => {
    const imports = gateway.app.get(ImportRequestRepository);
    const complete = imports.completeRequest.bind(imports);
    vi.spyOn(imports, 'completeRequest').mockImplementationOnce(async (...call) => {
      await gateway.database.query('DELETE FROM idempotency_requests WHERE team_id = $1', [caller.teamId]);
      return complete(...call);
    });
    const { status, body } = await importRows(3, key());
    expect([status, body.error.code]).toEqual([409, 'idempotency_key_stale']);
  });

  it('waits for another attempt only as long as for any lock', async () => {
    const slow = await startGateway({
      databaseUrl: gateway.databaseUrl,
      settings: { LOCK_TIMEOUT_MS: '50', REDIS_URL: '' },
    });
    const headers = key();
    await poison('Row 1');
    const from = await slow.newCaller({ teamId: caller.teamId });
    await importRows(3, headers, from);
    await gateway.database.transaction(async (client) => {
      await client.query('SELECT FROM idempotency_requests WHERE team_id = $1 FOR UPDATE', [caller.teamId]);
      const { status, body } = await importRows(3, headers, from);
      expect([status, body.error.code]).toEqual([409, 'idempotency_key_in_use']);
    });
    await slow.close();
  });
});
