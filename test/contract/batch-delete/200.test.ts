import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { ApiResponse, ApiClient } from '../../support/api.client';
import { startGateway, type TestGateway } from '../../support/gateway';

let gateway: TestGateway;
let caller: ApiClient;

beforeAll(async () => {
  gateway = await startGateway();
  caller = await gateway.newCaller();
});
afterAll(() => gateway.close());

function remove(ids: unknown[], options?: object): Promise<ApiResponse> {
  const body = options === undefined ? { ids } : { ids, options };
  return caller.call('POST', caller.path('organization/batch/delete'), { body });
}

it('deletes each record in its own transaction', async () => {
  const [first, second] = [await caller.create(), await caller.create()];
  const missing = randomUUID();
  const { status, body } = await remove([first, missing, 'x', second.toUpperCase()]);
  expect(status).toBe(200);
  expect(body.summary).toEqual({ total: 4, succeeded: 2, failed: 2 });
  expect(body.results).toMatchObject([
    { id: first, status: 'ok', etag: '"2"' },
    { id: missing, error: { code: 'not_found' } },
    { id: null, error: { code: 'invalid_item' } },
    { id: second, status: 'ok' },
  ]);
  expect((await caller.call('GET', caller.path(`organization/${first}`))).status).toBe(404);
});

it('responds not_found to a deleted record', async () => {
  const id = await caller.create();
  const { body } = await remove([id, id]);
  expect(body.results.map((result: any) => result.error?.code ?? 'ok')).toEqual(['ok', 'not_found']);
});

it('keeps the row of a deleted record', async () => {
  const id = await caller.create();
  await remove([id]);
  const { rows } = await gateway.database.query<{ version: string; deleted: boolean }>(
    'SELECT version::text, deleted_at IS NOT NULL AS deleted FROM records WHERE team_id = $1 AND id = $2',
    [caller.teamId, id],
  );
  expect(rows).toEqual([{ version: '2', deleted: true }]);
});

it('accepts the options of an update', async () => {
  const id = await caller.create();
  const dry = await remove([id], { dry_run: true });
  expect(dry.body.results[0]).toMatchObject({ status: 'ok', etag: '"2"' });
  const rolledBack = await remove([id, randomUUID()], { on_error: 'rollback' });
  expect(rolledBack.body.results.map((result: any) => result.error.code)).toEqual(['rolled_back', 'not_found']);
  const minimal = await remove([id], { return: 'minimal' });
  expect(minimal.body.results).toEqual([{ id, status: 'ok', etag: '"2"' }]);
});
