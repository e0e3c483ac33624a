import { randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import { OBJECT_TYPES } from '#libs/properties';
import { etagOf } from '../../support/etags';
import { useGateway } from '../../support/gateway.hooks';
import { sampleOf } from '../../support/sample.records';

const api = useGateway();

it.each(OBJECT_TYPES)('restores a deleted record: %s', async (object) => {
  const content = sampleOf(object);
  const id = await api.caller.create({ ...content, extended: { a: 1 } }, object);
  const path = api.caller.path(`${object}/${id}`);
  await api.caller.call('DELETE', path);
  const { status, body, headers } = await api.caller.call('POST', `${path}/restore`);
  expect([status, headers.etag]).toEqual([200, etagOf(3)]);
  expect(body).toMatchObject({ id, ...content, extended: { a: 1 } });
  const read = await api.caller.read(id, object);
  expect([read.record, read.etag]).toEqual([body, headers.etag]);
});

it('returns a record that is not deleted unchanged', async () => {
  const id = await api.caller.create();
  const before = await api.caller.read(id);
  const { status, body, headers } = await api.caller.call('POST', api.caller.path(`organization/${id}/restore`), {
    body: {},
  });
  expect([status, headers.etag, body]).toEqual([200, before.etag, before.record]);
});

it.each(['its etag', '*'])('restores a record with If-Match: %s', async (given) => {
  const id = await api.caller.create();
  const deleted = await api.caller.call('POST', api.caller.path('organization/batch/delete'), { body: { ids: [id] } });
  const { status, headers } = await api.caller.call('POST', api.caller.path(`organization/${id}/restore`), {
    headers: { 'if-match': given === '*' ? given : deleted.body.results[0].etag },
  });
  expect([status, headers.etag]).toEqual([200, etagOf(3)]);
});

it('replays the response to a retry with the same key, even after the record has been deleted again', async () => {
  const id = await api.caller.create();
  const path = api.caller.path(`organization/${id}`);
  await api.caller.call('DELETE', path);
  const options = { headers: { 'idempotency-key': randomUUID() } };
  const first = await api.caller.call('POST', `${path}/restore`, options);
  await api.caller.call('DELETE', path);
  const second = await api.caller.call('POST', `${path}/restore`, options);
  expect([second.status, second.text, second.headers.etag]).toEqual([200, first.text, first.headers.etag]);
  expect(second.headers['idempotent-replay']).toBe('true');
  expect((await api.caller.call('GET', path)).status).toBe(404);
});
