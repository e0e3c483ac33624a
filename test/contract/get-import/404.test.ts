import { randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import { useGateway } from '../../support/gateway.hooks';

const api = useGateway();

const objects = Array.from({ length: 100 }, (_, i) => ({ default: { name: `Row ${i}` } }));

it.each([
  ['an id that does not exist', () => randomUUID()],
  ['an id that is no UUID', () => 'job'],
])('responds not_found to %s', async (_, id) => {
  const { status, body } = await api.caller.call('GET', api.caller.path(`imports/${id()}`));
  expect(status).toBe(404);
  expect(body.error.code).toBe('not_found');
});

it('responds not_found to a job of another team, and to an expired one', async () => {
  const { body: job } = await api.caller.call('POST', api.caller.path('organization/import'), { body: { objects } });
  const path = `imports/${job.job_id}`;
  const other = await api.gateway.newCaller();
  expect((await other.call('GET', other.path(path))).status).toBe(404);
  expect((await api.caller.call('GET', api.caller.path(path))).status).toBe(200);
  await api.gateway.database.query('UPDATE import_jobs SET expires_at = now() WHERE id = $1', [job.job_id]);
  expect((await api.caller.call('GET', api.caller.path(path))).status).toBe(404);
});

it('responds not_found to the job of an import that is done within the request', async () => {
  const { status } = await api.caller.call('POST', api.caller.path('organization/import'), {
    body: { objects: objects.slice(1) },
    headers: { 'idempotency-key': randomUUID() },
  });
  expect(status).toBe(200);
  const { rows } = await api.gateway.database.query<{ id: string }>('SELECT id FROM import_jobs WHERE within_request');
  expect(rows).toHaveLength(1);
  expect((await api.caller.call('GET', api.caller.path(`imports/${rows[0]?.id ?? ''}`))).status).toBe(404);
});
