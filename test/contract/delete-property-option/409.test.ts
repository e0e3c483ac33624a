import { expect, it } from 'vitest';
import { useGateway } from '../../support/gateway.hooks';
import { PropertyCalls } from '../../support/property.calls';

const api = useGateway();
const LIST = '3c1d9f0a-2b4e-4f6d-8a7c-9e0b1d2c3f4a';

it.each([
  ['select_str', 'a'],
  ['multiselect_str', ['b', 'a']],
])('keeps an option of a %s that a record has', async (type, value) => {
  const calls = new PropertyCalls(await api.gateway.newCaller());
  const options = [{ value: 'A' }, { value: 'B' }, { value: 'C' }];
  const { id, options: created } = await calls.define({ name: 'Tier', type, options, list_id: LIST });
  await calls.caller.create({ default: { name: 'X' }, list: { [LIST]: { tier: value } } });
  const { status, body } = await calls.removeOption(id, created[0].id);
  expect([status, body.error.code]).toEqual([409, 'property_in_use']);
  expect((await calls.removeOption(id, created[2].id)).status).toBe(204);
});

it('protects built-in options', async () => {
  const calls = new PropertyCalls(api.caller);
  const { id, options } = await calls.find('stage');
  const { status, body } = await calls.removeOption(id, options[0].id);
  expect([status, body.error.code]).toEqual([409, 'property_conflict']);
});
