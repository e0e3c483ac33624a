import { randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import { useGateway } from '../../support/gateway.hooks';
import { PropertyCalls } from '../../support/property.calls';

const api = useGateway();

it('adds an option that the next write can use, also to a built-in property', async () => {
  const calls = new PropertyCalls(api.caller);
  const own = await calls.define({ name: 'Tier', type: 'multiselect_str', options: [{ value: 'Gold' }] });
  const stage = await calls.find('stage');
  const silver = await calls.createOption(own.id, { value: 'Silver', type: 'multiselect_str', list_id: null });
  const first = await calls.createOption(own.id, { value: 'First', slug: 'no-1', sort_index: 0 });
  expect([silver.status, silver.body]).toEqual([201, { id: expect.any(String), slug: 'silver', value: 'Silver' }]);
  expect(first.body).toMatchObject({ slug: 'no-1', value: 'First' });
  expect((await calls.createOption(stage.id, { value: 'Paused' })).body.slug).toBe('paused');
  expect((await calls.find('stage')).options.at(-1)).toMatchObject({ slug: 'paused' });
  const id = await api.caller.create({ default: { name: 'A', stage: 'paused', tier: [silver.body.id, 'gold'] } });
  expect((await api.caller.read(id)).record.default).toMatchObject({ stage: 'paused', tier: ['silver', 'gold'] });
});

it('replays with its key', async () => {
  const calls = new PropertyCalls(api.caller);
  const headers = { 'idempotency-key': randomUUID() };
  const { id } = await calls.find('stage');
  const responses = [];
  for (let n = 0; n < 2; n += 1) responses.push(await calls.createOption(id, { value: 'Later' }, { headers }));
  expect(responses[1]?.text).toBe(responses[0]?.text);
  expect((await calls.find('stage')).options.filter(({ value }: any) => value === 'Later')).toHaveLength(1);
});
