import { randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import type { ApiResponse } from '../../support/api.client';
import { useGateway } from '../../support/gateway.hooks';
import { etagOf } from '../../support/etags';

const api = useGateway();

function remove(ids: unknown[], options?: object): Promise<ApiResponse> {
  const body = options === undefined ? { ids } : { ids, options };
  return api.caller.call('POST', api.caller.path('organization/batch/delete'), { body });
}

it('deletes each record in its own transaction', async () => {
  const [first, second] = [await api.caller.create(), await api.caller.create()];
  const missing = randomUUID();
  const { status, body } = await remove([first, missing, 'x', second.toUpperCase()]);
  expect(status).toBe(200);
  expect(body.summary).toEqual({ total: 4, succeeded: 2, failed: 2 });
  expect(body.results).toMatchObject([
    { id: first, status: 'ok', etag: etagOf(2) },
    { id: missing, error: { code: 'not_found' } },
    { id: null, error: { code: 'invalid_item' } },
    { id: second, status: 'ok' },
  ]);
  expect((await api.caller.call('GET', api.caller.path(`organization/${first}`))).status).toBe(404);
});

it('responds not_found to a deleted record', async () => {
  const id = await api.caller.create();
  const { body } = await remove([id, id]);
  expect(body.results.map((result: any) => result.error?.code ?? 'ok')).toEqual(['ok', 'not_found']);
});

it('keeps the row of a deleted record', async () => {
  const id = await api.caller.create();
  await remove([id]);
  const { rows } = await api.gateway.database.query<{ version: string; deleted: boolean }>(
    'SELECT version::text, deleted_at IS NOT NULL AS deleted FROM records WHERE team_id = $1 AND id = $2',
    [api.caller.teamId, id],
  );
  expect(rows).toEqual([{ version: '2', deleted: true }]);
});

it('accepts the options of an update', async () => {
  const id = await api.caller.create();
  const dry = await remove([id], { dry_run: true });
  expect(dry.body.results[0]).toMatchObject({ status: 'ok', etag: etagOf(2) });
  const rolledBack = await remove([id, randomUUID()], { on_error: 'rollback' });
  expect(rolledBack.body.results.map((result: any) => result.error.code)).toEqual(['rolled_back', 'not_found']);
  const minimal = await remove([id], { return: 'minimal' });
  expect(minimal.body.results).toEqual([{ id, status: 'ok', effect: 'deleted', etag: etagOf(2) }]);
});
