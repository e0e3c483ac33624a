import { expect, it } from 'vitest';
import { useGateway } from '../../support/gateway.hooks';
import { etagOf } from '../../support/etags';

const api = useGateway();

it('applies a patch like an item of a batch', async () => {
  const id = await api.caller.create({ default: { name: 'Acme', stage: 'lead', tags: ['a'] } });
  const { status, body, headers } = await api.caller.call('PATCH', api.caller.path(`organization/${id}`), {
    body: { default: { stage: null, tags: { _op: 'append', values: ['b'] } } },
  });
  expect(status).toBe(200);
  expect(headers.etag).toEqual(etagOf(2));
  expect(body.default).toMatchObject({ name: 'Acme', tags: ['a', 'b'] });
  expect(body.default).not.toHaveProperty('stage');
});

it('returns the unchanged record if there is nothing to change', async () => {
  const id = await api.caller.create();
  const { status, headers } = await api.caller.call('PATCH', api.caller.path(`organization/${id}`), { body: {} });
  expect([status, headers.etag]).toEqual([200, etagOf(1)]);
});

it.each(['its etag', '*'])('applies a patch with If-Match: %s', async (given) => {
  const id = await api.caller.create();
  const ifMatch = given === '*' ? given : (await api.caller.read(id)).etag;
  const { status } = await api.caller.call('PATCH', api.caller.path(`organization/${id}`), {
    body: { default: { name: 'New' } },
    headers: { 'if-match': ifMatch },
  });
  expect(status).toBe(200);
});
