import { expect, it } from 'vitest';
import { useGateway } from '../../support/gateway.hooks';
import { PropertyCalls } from '../../support/property.calls';

const api = useGateway();
const LIST = '3c1d9f0a-2b4e-4f6d-8a7c-9e0b1d2c3f4a';

it('rejects a slug and a name that are in use, even by a built-in property', async () => {
  const calls = new PropertyCalls(await api.gateway.newCaller());
  const { id } = await calls.define({ name: 'Score', type: 'num' });
  const bodies = [
    { name: 'Other', type: 'num', slug: 'score' },
    { name: 'SCORE', type: 'num', slug: 'other' },
    { name: 'Other', type: 'num', slug: 'stage' },
    { name: 'Other', type: 'num', slug: 'stage', list_id: LIST },
    { name: 'Stage', type: 'num' },
  ];
  for (const body of bodies) {
    const { status, body: response, headers } = await calls.create(body);
    expect([status, response.error.code, headers['x-should-retry']]).toEqual([409, 'property_conflict', 'false']);
  }
  expect((await calls.create(bodies[0])).body.error.message).toContain(id);
});

it('creates one of several concurrent properties with one slug', async () => {
  const calls = new PropertyCalls(await api.gateway.newCaller());
  const creates = ['A', 'B', 'C', 'D'].map((name) => calls.create({ name, type: 'num', slug: 'score' }));
  const statuses = (await Promise.all(creates)).map(({ status }) => status).sort();
  expect(statuses).toEqual([201, 409, 409, 409]);
});

it('rejects more than 20 lookups of an object type, and takes one more when one is gone', async () => {
  const calls = new PropertyCalls(await api.gateway.newCaller());
  const created = [];
  for (let n = 1; n <= 20; n += 1) created.push(await calls.define({ name: `P${n}`, type: 'num', lookup: 'indexed' }));
  const plain = await calls.define({ name: 'Plain', type: 'num' });
  const refused = [
    await calls.create({ name: 'One more', type: 'num', lookup: 'unique' }),
    await calls.patch(plain.id, { lookup: 'indexed' }),
  ];
  for (const { status, body } of refused) {
    expect([status, body.error.code]).toEqual([409, 'property_conflict']);
    expect(body.error.message).toContain('20');
  }
  expect((await calls.patch(created[0].id, { lookup: 'unique' })).status).toBe(200);
  expect((await calls.patch(created[0].id, { lookup: 'none' })).status).toBe(200);
  expect((await calls.patch(plain.id, { lookup: 'indexed' })).status).toBe(200);
});

it('rejects more than 500 properties of an object type', async () => {
  const caller = await api.gateway.newCaller();
  await api.gateway.database.query(
    `INSERT INTO property_definitions (team_id, object_type, id, slug, type, name)
     SELECT $1, 'organization', gen_random_uuid(), 'p' || n, 'num', 'P' || n FROM generate_series(1, 500) AS n`,
    [caller.teamId],
  );
  const { status, body } = await new PropertyCalls(caller).create({ name: 'One more', type: 'num' });
  expect([status, body.error.code]).toEqual([409, 'property_conflict']);
  expect(body.error.message).toContain('500');
  expect((await new PropertyCalls(caller, 'deal').create({ name: 'One more', type: 'num' })).status).toBe(201);
});
