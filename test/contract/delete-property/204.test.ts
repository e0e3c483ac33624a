import { expect, it } from 'vitest';
import { useGateway } from '../../support/gateway.hooks';
import { PropertyCalls } from '../../support/property.calls';

const api = useGateway();

it('deletes an unused property with its options, and frees its slug', async () => {
  const calls = new PropertyCalls(api.caller);
  const { id } = await calls.define({ name: 'Tier', type: 'select_str', options: [{ value: 'Gold' }] });
  await api.caller.create();
  const { status, text } = await calls.remove(id, '?type=select_str');
  expect([status, text]).toEqual([204, '']);
  expect(await calls.find('tier')).toBeUndefined();
  const { rows } = await api.gateway.database.query('SELECT FROM property_options WHERE property_id = $1', [id]);
  expect(rows).toEqual([]);
  expect((await calls.remove(id)).status).toBe(404);
  expect((await calls.create({ name: 'Tier', type: 'num' })).status).toBe(201);
});

it('rejects a type and a list that are not those of the property', async () => {
  const calls = new PropertyCalls(api.caller);
  const { id } = await calls.define({ name: 'Score', type: 'num' });
  for (const [query, field] of [
    ['?type=str', '.query.type'],
    ['?list_id=3c1d9f0a-2b4e-4f6d-8a7c-9e0b1d2c3f4a', '.query.list_id'],
    ['?list_id=x', '.query.list_id'],
    ['?force=true', '.query.force'],
  ] as const) {
    const { status, body } = await calls.remove(id, query);
    expect([status, body.error.errors[0].field]).toEqual([400, field]);
  }
});
