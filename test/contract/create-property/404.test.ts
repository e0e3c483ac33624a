import { expect, it } from 'vitest';
import { useGateway } from '../../support/gateway.hooks';
import { PropertyCalls } from '../../support/property.calls';

const api = useGateway();

it('is the response for an object type that does not exist', async () => {
  const calls = new PropertyCalls(api.caller, 'organisation');
  const { status, body } = await calls.create({ name: 'Tier', type: 'str' });
  expect([status, body.error.code]).toEqual([404, 'not_found']);
});
