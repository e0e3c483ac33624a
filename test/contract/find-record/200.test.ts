import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { etagOf } from '../../support/etags';
import { useGateway } from '../../support/gateway.hooks';
import { defineProperty, setLookup } from '../../support/lookups';
import { Session } from '../../support/session';

const api = useGateway();
let session: Session;

beforeAll(async () => {
  session = await Session.open(api.gateway.databaseUrl);
});
afterAll(() => session.close());

it('returns the record that has the value, and its etag', async () => {
  const id = await api.caller.create({ default: { name: 'Acme', primary_domain: 'acme.example' }, extended: { a: 1 } });
  const { status, body, headers } = await api.caller.call(
    'GET',
    api.caller.path('organization/by/primary_domain/acme.example'),
  );
  expect(status).toBe(200);
  expect(headers.etag).toEqual(etagOf(1));
  expect(body).toMatchObject({ id, default: { name: 'Acme', primary_domain: 'acme.example' }, extended: { a: 1 } });
});

it('returns only the selected properties', async () => {
  const id = await api.caller.create({ default: { full_name: 'Ann', email: 'ann@acme.example' } }, 'contact');
  const path = api.caller.path('contact/by/email/ann@acme.example?select=full_name');
  expect((await api.caller.call('GET', path)).body).toEqual({ id, default: { full_name: 'Ann' }, list: {} });
});

it.each(['50% of A/B #1?', 'é ü 😀', '+', '%2F', '  ', '0197B1A2-7C3D-7E4F-8A5B-6C7D8E9FA0B1', 'x'.repeat(4_000)])(
  'finds the value %j, percent-encoded',
  async (value) => {
    const id = await api.caller.create({ default: { name: 'Acme', primary_domain: value } });
    const path = api.caller.path(`organization/by/primary_domain/${encodeURIComponent(value)}`);
    const { status, body } = await api.caller.call('GET', path);
    expect([status, body.id]).toEqual([200, id]);
  },
);

it('follows changes and deletes of the value', async () => {
  const id = await api.caller.create({ default: { name: 'Acme', primary_domain: 'before.example' } });
  const find = async (value: string): Promise<number> =>
    (await api.caller.call('GET', api.caller.path(`organization/by/primary_domain/${value}`))).status;
  await api.caller.update([{ id, default: { primary_domain: 'after.example' } }]);
  expect([await find('before.example'), await find('after.example')]).toEqual([404, 200]);
  await api.caller.call('POST', api.caller.path('organization/batch/delete'), { body: { ids: [id] } });
  expect(await find('after.example')).toBe(404);
});

it('compares values by the type of the property, also without a lookup', async () => {
  const content = { name: 'Typed', employees: 250, founded_on: '2026-02-28', stage: 'won', tags: ['only-here', 'b'] };
  const id = await api.caller.create({ default: content });
  for (const [slug, value] of [
    ['employees', '250.0'],
    ['founded_on', '2026-02-28T01:00:00+01:00'],
    ['stage', 'won'],
    ['tags', 'only-here'],
    ['name', 'Typed'],
  ] as const) {
    const path = api.caller.path(`organization/by/${slug}/${encodeURIComponent(value)}`);
    expect((await api.caller.call('GET', path)).body.id, slug).toBe(id);
  }
});

describe('a lookup of a team', () => {
  it.each([
    ['number', 7, '7.0'],
    ['date', '2026-02-28', '2026-02-28T00:00:00Z'],
    ['text', 'a', 'a'],
  ] as const)('finds a %s', async (kind, stored, value) => {
    const caller = await api.gateway.newCaller();
    const property = await defineProperty(session, caller.teamId, { slug: 'own', objectType: 'deal', kind });
    await setLookup(session, caller.teamId, property, 'indexed', 'ready');
    const id = await caller.create({ default: { own: stored } }, 'deal');
    const rows = await session.query('SELECT record_id AS id FROM record_lookups WHERE property_id = $1', [
      property.id,
    ]);
    expect(rows).toEqual([{ id }]);
    expect((await caller.call('GET', caller.path(`deal/by/own/${encodeURIComponent(value)}`))).body.id).toBe(id);
  });

  it('is not used, and its values are stored, while it is built', async () => {
    const caller = await api.gateway.newCaller();
    const property = await defineProperty(session, caller.teamId, { slug: 'own', objectType: 'deal' });
    await setLookup(session, caller.teamId, property, 'indexed', 'building');
    const id = await caller.create({ default: { own: 'a' } }, 'deal');
    await session.query('DELETE FROM record_lookups WHERE property_id = $1', [property.id]);
    expect((await caller.call('GET', caller.path('deal/by/own/a'))).body.id).toBe(id);
    await caller.update([{ id, default: { own: 'b' } }], {}, {}, 'deal');
    const rows = await session.query('SELECT record_id AS id FROM record_lookups WHERE property_id = $1', [
      property.id,
    ]);
    expect(rows).toEqual([{ id }]);
  });
});
