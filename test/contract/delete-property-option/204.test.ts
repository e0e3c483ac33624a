import { expect, it } from 'vitest';
import { useGateway } from '../../support/gateway.hooks';
import { PropertyCalls } from '../../support/property.calls';

const api = useGateway();

it('deletes an unused option', async () => {
  const calls = new PropertyCalls(api.caller);
  const options = [{ value: 'A' }, { value: 'B' }];
  const { id, options: created } = await calls.define({ name: 'Tier', type: 'select_str', options });
  await api.caller.create({ default: { name: 'X', tier: 'b' } });
  expect((await calls.removeOption(id, created[0].id, '?type=select_str')).status).toBe(204);
  expect((await calls.find('tier')).options).toEqual([created[1]]);
  expect((await calls.removeOption(id, created[0].id)).status).toBe(404);
});
