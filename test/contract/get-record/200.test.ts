import { expect, it } from 'vitest';
import { useGateway } from '../../support/gateway.hooks';
import { etagOf } from '../../support/etags';

const api = useGateway();

it('returns the record and its etag', async () => {
  const id = await api.caller.create({ default: { name: 'Acme' }, extended: { a: 1 } });
  const { status, body, headers } = await api.caller.call('GET', api.caller.path(`organization/${id.toUpperCase()}`));
  expect(status).toBe(200);
  expect(headers.etag).toEqual(etagOf(1));
  expect(body).toMatchObject({ id, default: { name: 'Acme' }, list: {}, extended: { a: 1 } });
});

it('returns only the selected properties', async () => {
  const id = await api.caller.create({ default: { name: 'Acme', location: 'Bern', employees: 3 }, extended: { a: 1 } });
  for (const query of ['select=name,employees', 'select=name&select=employees']) {
    const { body } = await api.caller.call('GET', api.caller.path(`organization/${id}?${query}`));
    expect(body).toEqual({ id, default: { name: 'Acme', employees: 3 }, list: {} });
  }
});
