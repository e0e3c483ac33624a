import { randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import type { ApiClient, ApiResponse } from '../../support/api.client';
import { useGateway } from '../../support/gateway.hooks';
import { startImportWorker } from '../../support/import.worker';

const api = useGateway({ settings: { IMPORT_MAX_JOBS: '2', BODY_LIMIT_BYTES: '20000' } });

function importRows(caller: ApiClient, rows: number, key: string = randomUUID()): Promise<ApiResponse> {
  const objects = Array.from({ length: rows }, (_, i) => ({ default: { name: `Row ${i}` } }));
  return caller.call('POST', caller.path('organization/import'), {
    body: { objects },
    headers: { 'idempotency-key': key },
  });
}

it('responds forbidden to a key without the scope to write', async () => {
  const reader = await api.gateway.newCaller({ scopes: ['records:read'] });
  expect(await importRows(reader, 1)).toMatchObject({ status: 403, body: { error: { code: 'forbidden' } } });
});

it('responds not_found for an object type that does not exist', async () => {
  const path = api.caller.path('planet/import');
  const { status } = await api.caller.call('POST', path, { body: { objects: [{}] }, undocumented: true });
  expect(status).toBe(404);
});

it('responds payload_too_large to a body over the limit', async () => {
  const { status, body } = await importRows(api.caller, 800);
  expect(status).toBe(413);
  expect(body.error).toMatchObject({ code: 'payload_too_large', details: { limit_bytes: 20_000 } });
});

it.each([1, 100])('responds idempotency_key_mismatch to a key of other rows: %i', async (rows) => {
  const caller = await api.gateway.newCaller();
  const key = randomUUID();
  expect((await importRows(caller, rows, key)).status).toBeLessThan(300);
  const { status, body } = await importRows(caller, rows + 1, key);
  expect(status).toBe(409);
  expect(body.error.code).toBe('idempotency_key_mismatch');
});

it.each([1, 100])('responds idempotency_key_stale to an expired key: %i rows', async (rows) => {
  const caller = await api.gateway.newCaller();
  const key = randomUUID();
  await importRows(caller, rows, key);
  const expired = "UPDATE idempotency_requests SET created_at = now() - interval '25 hours' WHERE team_id = $1";
  await api.gateway.database.query(expired, [caller.teamId]);
  const { status, body } = await importRows(caller, rows, key);
  expect(status).toBe(409);
  expect(body.error.code).toBe('idempotency_key_stale');
});

it('responds rate_limited to a client with too many unfinished jobs, but replays those it has', async () => {
  const caller = await api.gateway.newCaller();
  const key = randomUUID();
  const first = await importRows(caller, 100, key);
  expect((await importRows(caller, 100)).status).toBe(202);
  const third = randomUUID();
  const rejected = await importRows(caller, 100, third);
  expect(rejected).toMatchObject({ status: 429, headers: { 'retry-after': '5' } });
  expect(rejected.body.error).toMatchObject({ code: 'rate_limited', message: expect.stringContaining('2 unfinished') });
  expect((await importRows(caller, 100, key)).text).toBe(first.text);
  expect((await importRows(caller, 99)).status).toBe(200);

  const worker = startImportWorker(api.gateway.databaseUrl);
  await worker.runAll();
  await worker.close();
  expect((await importRows(caller, 100, third)).status).toBe(202);
});
