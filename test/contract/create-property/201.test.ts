import { randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import { startGateway } from '../../support/gateway';
import { useGateway } from '../../support/gateway.hooks';
import { PropertyCalls } from '../../support/property.calls';

const api = useGateway();
const LIST = '3C1D9F0A-2b4e-4f6d-8a7c-9e0b1d2c3f4a';

it('defines a property that the next write can set, even in a list', async () => {
  const calls = new PropertyCalls(api.caller);
  const first = await calls.create({ name: 'Shoe size', type: 'num', slug: 'shoe_size' });
  expect(first.status).toBe(201);
  expect(first.body).toEqual({
    ...{ id: expect.any(String), slug: 'shoe_size', type: 'num', name: 'Shoe size', required: false },
    ...{ native: false, locked: false, list_id: null, lookup: 'none', lookup_state: null, options: [] },
  });
  const inList = await calls.define({ name: 'Shoe size', type: 'str', slug: 'shoe_size', list_id: LIST });
  expect(inList.list_id).toBe(LIST.toLowerCase());
  const id = await api.caller.create({ default: { name: 'A', shoe_size: 9 }, list: { [LIST]: { shoe_size: 'L' } } });
  expect((await api.caller.read(id)).record).toMatchObject({
    default: { shoe_size: 9 },
    list: { [LIST.toLowerCase()]: { shoe_size: 'L' } },
  });
  expect(await calls.find('shoe_size')).toEqual(first.body);
});

it('derives slugs from names, with a number at the end if the slug is taken or reserved', async () => {
  const calls = new PropertyCalls(await api.gateway.newCaller());
  const slugs = [];
  for (const name of ['Größe!', 'Große', 'Limit', 'Name?'])
    slugs.push((await calls.define({ name, type: 'str' })).slug);
  expect(slugs).toEqual(['gro_e', 'gro_e_2', 'limit_2', 'name_2']);
});

it('stores options in the order of sort_index, with given slugs first', async () => {
  const calls = new PropertyCalls(await api.gateway.newCaller());
  const options = [
    { value: 'Gold' },
    { value: 'Gold', slug: 'gold' },
    { value: 'Top', sort_index: 0 },
    { value: 'Last', sort_index: null },
  ];
  const definition = await calls.define({ name: 'Tier', type: 'select_str', options });
  expect(definition.options.map(({ slug }: any) => slug)).toEqual(['gold_2', 'top', 'gold', 'last']);
  expect(await calls.find('tier')).toEqual(definition);
});

it('applies in every replica within 5 s', async () => {
  const other = await startGateway({ databaseUrl: api.gateway.databaseUrl });
  try {
    const caller = await api.gateway.newCaller();
    const elsewhere = new PropertyCalls(await other.newCaller({ teamId: caller.teamId }));
    expect(await elsewhere.find('score')).toBeUndefined();
    await new PropertyCalls(caller).define({ name: 'Score', type: 'num' });
    await expect.poll(() => elsewhere.find('score'), { timeout: 5_500 }).toMatchObject({ slug: 'score' });
  } finally {
    await other.close();
  }
});

it('requires the value of a required property from later writes only', async () => {
  const caller = await api.gateway.newCaller();
  const before = await caller.create();
  await new PropertyCalls(caller).define({ name: 'Owner', type: 'str', required: true });
  expect((await caller.update([{ id: before, default: { name: 'B' } }])).body.results[0].status).toBe('ok');
  const { status } = await caller.call('POST', caller.path('organization'), { body: { default: { name: 'C' } } });
  expect(status).toBe(400);
});

it.each([
  ['with Redis', {}],
  ['without Redis', { REDIS_URL: '' }],
])('creates one property for all attempts with a key: %s', async (_, settings) => {
  const gateway = await startGateway({ settings });
  try {
    const calls = new PropertyCalls(await gateway.newCaller());
    const headers = { 'idempotency-key': randomUUID() };
    const body = { name: 'Score', type: 'num' };
    const [first, second] = [await calls.create(body, { headers }), await calls.create(body, { headers })];
    expect([first.status, second.status, second.text]).toEqual([201, 201, first.text]);
    expect([first.headers['idempotent-replay'], second.headers['idempotent-replay']]).toEqual([undefined, 'true']);
    const mismatch = await calls.create({ ...body, name: 'Other' }, { headers });
    expect(mismatch.body.error.code).toBe('idempotency_key_mismatch');

    const again = { 'idempotency-key': randomUUID() };
    const refused = [await calls.create(body, { headers: again }), await calls.create(body, { headers: again })];
    expect(refused.map(({ status }) => status)).toEqual([409, 409]);
    expect(refused[1]?.text).toBe(refused[0]?.text);
    expect(refused[1]?.headers['idempotent-replay']).toBe('true');

    const receipt = await calls.caller.call('GET', calls.caller.path(`receipts/${headers['idempotency-key']}`));
    expect(receipt.body).toMatchObject({ state: 'complete', results: [{ status: 'ok', result: first.body }] });
  } finally {
    await gateway.close();
  }
});

it('runs one of two concurrent attempts with a key, also without Redis', async () => {
  const gateway = await startGateway({ settings: { REDIS_URL: '' } });
  try {
    const calls = new PropertyCalls(await gateway.newCaller());
    const headers = { 'idempotency-key': randomUUID() };
    const attempts = Array.from({ length: 8 }, () => calls.create({ name: 'Score', type: 'num' }, { headers }));
    const texts = new Set((await Promise.all(attempts)).map(({ status, text }) => `${status} ${text}`));
    expect([...texts]).toEqual([expect.stringMatching(/^201 /)]);
  } finally {
    await gateway.close();
  }
});
