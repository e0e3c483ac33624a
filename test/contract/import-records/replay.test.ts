import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { ApiResponse } from '../../support/api.client';
import { useGateway } from '../../support/gateway.hooks';
import { startImportWorker } from '../../support/import.worker';

describe.each([
  ['with Redis', {}],
  ['without Redis', { REDIS_URL: '' }],
])('%s, the response of a key is replayed byte for byte', (_, settings) => {
  const api = useGateway({ settings });

  function importRows(rows: number, key: string): Promise<ApiResponse> {
    const objects = Array.from({ length: rows }, (_row, i) => ({ default: { name: i === 0 ? 1 : `Row ${i}` } }));
    const headers = { 'idempotency-key': key };
    return api.caller.call('POST', api.caller.path('organization/import'), { body: { objects }, headers });
  }

  async function count(table: 'records' | 'import_jobs'): Promise<number> {
    const { rows } = await api.gateway.database.query<{ n: number }>(
      `SELECT count(*)::integer AS n FROM ${table} WHERE team_id = $1`,
      [api.caller.teamId],
    );
    return rows[0]?.n ?? 0;
  }

  function expectReplay(first: ApiResponse, second: ApiResponse): void {
    expect(second.status).toBe(first.status);
    expect(second.text).toBe(first.text);
    expect(second.headers.location).toBe(first.headers.location);
    expect(first.headers).not.toHaveProperty('idempotent-replay');
    expect(second.headers['idempotent-replay']).toBe('true');
  }

  it.each([1, 2, 99])('of an import of %i rows within the request', async (rows) => {
    const key = randomUUID();
    const before = await count('records');
    const first = await importRows(rows, key);
    expectReplay(first, await importRows(rows, key));
    expect(await count('records')).toBe(before + rows - 1);
    const receipt = await api.caller.call('GET', api.caller.path(`receipts/${key}`));
    expect(receipt.body).toMatchObject({ state: 'complete', results: [first.body] });
  });

  it('of a job, even after the job has ended', async () => {
    const key = randomUUID();
    const before = { records: await count('records'), jobs: await count('import_jobs') };
    const first = await importRows(101, key);
    expectReplay(first, await importRows(101, key));
    const worker = startImportWorker(api.gateway.databaseUrl);
    await worker.runAll();
    await worker.close();
    expectReplay(first, await importRows(101, key));
    expect(await count('records')).toBe(before.records + 100);
    expect(await count('import_jobs')).toBe(before.jobs + 1);
    const receipt = await api.caller.call('GET', api.caller.path(`receipts/${key}`));
    expect(receipt.body).toMatchObject({ state: 'complete', results: [first.body] });
  });

  it('and two jobs from concurrent requests with one key are one job', async () => {
    const key = randomUUID();
    const before = await count('import_jobs');
    const responses = await Promise.all(Array.from({ length: 4 }, () => importRows(100, key)));
    const accepted = responses.filter(({ status }) => status === 202);
    expect(accepted.length).toBeGreaterThan(0);
    expect(new Set(accepted.map(({ text }) => text)).size).toBe(1);
    expect(responses.every(({ status }) => [202, 409].includes(status))).toBe(true);
    expect(await count('import_jobs')).toBe(before + 1);
  });
});
