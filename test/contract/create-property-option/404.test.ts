import { randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import { useGateway } from '../../support/gateway.hooks';
import { PropertyCalls } from '../../support/property.calls';

const api = useGateway();

it('is the response for an object type or a property that does not exist', async () => {
  const calls = new PropertyCalls(api.caller);
  const { id } = await calls.define({ name: 'Tier', type: 'select_str', options: [{ value: 'Gold' }] });
  for (const [by, property] of [
    [calls, randomUUID()],
    [calls, 'tier'],
    [new PropertyCalls(api.caller, 'organisation'), id],
  ] as const) {
    const { status, body } = await by.createOption(property, { value: 'Silver' });
    expect([status, body.error.code]).toEqual([404, 'not_found']);
  }
  expect((await calls.find('tier')).options).toMatchObject([{ value: 'Gold' }]);
});
