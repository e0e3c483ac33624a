import { randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import { useGateway } from '../../support/gateway.hooks';

const api = useGateway();

it('responds invalid_request to an unknown parameter', async () => {
  const { status, body } = await api.caller.call('GET', api.caller.path(`imports/${randomUUID()}?limit=1`));
  expect(status).toBe(400);
  expect(body.error.errors).toEqual([{ field: '.query.limit', code: 'unknown_field', message: expect.any(String) }]);
});
