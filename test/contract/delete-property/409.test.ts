import { expect, it } from 'vitest';
import { useGateway } from '../../support/gateway.hooks';
import { PropertyCalls } from '../../support/property.calls';

const api = useGateway();
const LIST = '3c1d9f0a-2b4e-4f6d-8a7c-9e0b1d2c3f4a';

it('keeps a property while a live or deleted record has a value', async () => {
  const calls = new PropertyCalls(api.caller);
  const { id } = await calls.define({ name: 'Score', type: 'num' });
  const record = await api.caller.create({ default: { name: 'A', score: 1 } });
  expect((await calls.remove(id)).body.error.code).toBe('property_in_use');
  await api.caller.call('POST', api.caller.path('organization/batch/delete'), { body: { ids: [record] } });
  expect((await calls.remove(id)).body.error.code).toBe('property_in_use');
  const other = await api.caller.create({ default: { name: 'A', score: 1 } });
  await api.caller.update([{ id: other, default: { score: null } }]);
  await api.gateway.database.query('DELETE FROM records WHERE id = $1', [record]);
  expect((await calls.remove(id)).status).toBe(204);
});

it('distinguishes lists, object types and teams', async () => {
  const calls = new PropertyCalls(api.caller);
  const ofDefault = await calls.define({ name: 'Rank', type: 'num' });
  const ofList = await calls.define({ name: 'Rank', type: 'num', list_id: LIST });
  const ofDeals = await new PropertyCalls(api.caller, 'deal').define({ name: 'Rank', type: 'num' });
  const stranger = await api.gateway.newCaller();
  await new PropertyCalls(stranger).define({ name: 'Rank', type: 'num' });
  await stranger.create({ default: { name: 'A', rank: 1 } });
  await api.caller.create({ default: { name: 'D', rank: 1 } }, 'deal');
  await api.caller.create({ default: { name: 'A' }, list: { [LIST]: { rank: 1 } } });
  expect((await calls.remove(ofList.id)).body.error.code).toBe('property_in_use');
  expect((await calls.remove(ofDefault.id)).status).toBe(204);
  expect((await new PropertyCalls(api.caller, 'deal').remove(ofDeals.id)).status).toBe(409);
});

it('protects built-in and locked properties', async () => {
  const calls = new PropertyCalls(api.caller);
  const locked = await calls.define({ name: 'Locked', type: 'num' });
  await api.gateway.database.query('UPDATE property_definitions SET locked = true WHERE id = $1', [locked.id]);
  for (const { id } of [locked, await calls.find('stage')]) {
    const { status, body } = await calls.remove(id);
    expect([status, body.error.code]).toEqual([409, 'property_conflict']);
  }
});
