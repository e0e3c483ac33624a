import { randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import { useGateway } from '../../support/gateway.hooks';
import { PropertyCalls } from '../../support/property.calls';

const api = useGateway();

it('does not find a property of another team or object type, or an id that is no UUID', async () => {
  const calls = new PropertyCalls(api.caller);
  const { id, options } = await calls.define({ name: 'Tier', type: 'select_str', options: [{ value: 'Gold' }] });
  const option = options[0].id;
  const strangers = [new PropertyCalls(await api.gateway.newCaller()), new PropertyCalls(api.caller, 'deal')];
  const targets = [
    ...strangers.map((stranger) => [stranger, id, option] as const),
    ...[randomUUID(), 'tier'].map((unknown) => [calls, unknown, unknown] as const),
  ];
  for (const [by, property, ofOption] of targets) {
    const responses = [
      await by.patch(property, { name: 'Mine' }),
      await by.remove(property),
      await by.createOption(property, { value: 'Mine' }),
      await by.patchOption(property, ofOption, { value: 'Mine' }),
      await by.removeOption(property, ofOption),
    ];
    expect(responses.map(({ status, body }) => [status, body.error.code])).toEqual(Array(5).fill([404, 'not_found']));
  }
  expect((await calls.patchOption(id, randomUUID(), { value: 'x' })).status).toBe(404);
  expect((await calls.removeOption(id, randomUUID())).status).toBe(404);
  expect(await calls.find('tier')).toMatchObject({ name: 'Tier', options: [{ value: 'Gold' }] });
});
