import { randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import { OBJECT_TYPES } from '#libs/properties';
import { useGateway } from '../../support/gateway.hooks';
import { sampleOf } from '../../support/sample.records';

const api = useGateway();

it.each(OBJECT_TYPES)('deletes a record softly: %s', async (object) => {
  const id = await api.caller.create(sampleOf(object), object);
  const path = api.caller.path(`${object}/${id}`);
  const { status, text, headers } = await api.caller.call('DELETE', path);
  expect([status, text]).toEqual([204, '']);
  expect(headers).not.toHaveProperty('content-type');
  expect(headers).not.toHaveProperty('etag');
  expect((await api.caller.call('GET', path)).status).toBe(404);
  const { rows } = await api.gateway.database.query<{ version: string; deleted: boolean }>(
    'SELECT version::text, deleted_at IS NOT NULL AS deleted FROM records WHERE team_id = $1 AND id = $2',
    [api.caller.teamId, id],
  );
  expect(rows).toEqual([{ version: '2', deleted: true }]);
});

it.each(['its etag', '*'])('deletes a record with If-Match: %s', async (given) => {
  const id = await api.caller.create();
  const { etag } = await api.caller.read(id);
  const { status } = await api.caller.call('DELETE', api.caller.path(`organization/${id}`), {
    headers: { 'if-match': given === '*' ? given : etag },
  });
  expect(status).toBe(204);
});

it('accepts an empty JSON body, an empty object, and an id in upper case', async () => {
  for (const body of ['', {}]) {
    const id = await api.caller.create();
    const path = api.caller.path(`organization/${id.toUpperCase()}`);
    expect((await api.caller.call('DELETE', path, { body })).status).toBe(204);
  }
});

it('ignores an Idempotency-Key', async () => {
  const id = await api.caller.create();
  const path = api.caller.path(`organization/${id}`);
  const headers = { 'idempotency-key': randomUUID() };
  expect((await api.caller.call('DELETE', path, { headers })).status).toBe(204);
  const second = await api.caller.call('DELETE', path, { headers });
  expect(second.status).toBe(404);
  expect(second.headers).not.toHaveProperty('idempotent-replay');
  const malformed = await api.caller.call('DELETE', path, { headers: { 'idempotency-key': '"' } });
  expect(malformed.status).toBe(404);
});
