import { expect, it } from 'vitest';
import { useGateway } from '../../support/gateway.hooks';

const api = useGateway();

it('responds the same to a missing record, a deleted one, another type, another team and an id that is no UUID', async () => {
  const other = await api.gateway.newCaller();
  const deleted = await api.caller.create();
  await api.caller.call('POST', api.caller.path('organization/batch/delete'), { body: { ids: [deleted] } });
  const ids = [
    '182bd5e5-6e1a-4fe4-a799-aa6d9a6ab26e',
    deleted,
    await api.caller.create({ default: { name: 'D' } }, 'deal'),
    await other.create(),
    'acme',
    '182bd5e5-6e1a-4fe4-a799-aa6d9a6ab26',
    '182bd5e5-6e1a-4fe4-a799-aa6d9a6ab26e%00',
  ];
  const responses = await Promise.all(ids.map((id) => api.caller.call('GET', api.caller.path(`organization/${id}`))));
  expect(responses.map(({ status }) => status)).toEqual(ids.map(() => 404));
  expect(new Set(responses.map(({ body }) => JSON.stringify({ ...body.error, request_id: '' }))).size).toBe(1);
});

it('responds the same to an unknown object type', async () => {
  const { status, body } = await api.caller.call(
    'GET',
    api.caller.path('company/182bd5e5-6e1a-4fe4-a799-aa6d9a6ab26e'),
  );
  expect(status).toBe(404);
  expect(body.error).toMatchObject({ code: 'not_found', message: expect.stringContaining('organization') });
});
