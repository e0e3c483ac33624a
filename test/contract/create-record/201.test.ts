import { expect, it } from 'vitest';
import { useGateway } from '../../support/gateway.hooks';
import { etagOf } from '../../support/etags';

const api = useGateway();

it('returns the record with its etag and location', async () => {
  const listId = '0b9e4d0e-8a0f-4d43-8f7c-3f5f6f5b0f11';
  const { status, body, headers } = await api.caller.call('POST', api.caller.path('organization'), {
    body: {
      default: { name: 'Acme', location: null, tags: ['b', 'a', 'b'] },
      list: { [listId]: {} },
      extended: { x: [1] },
    },
  });
  expect(status).toBe(201);
  expect(body.default).toEqual({
    name: 'Acme',
    tags: ['b', 'a'],
    created_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
    updated_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
  });
  expect(body.extended).toEqual({ x: [1] });
  expect(headers).toMatchObject({
    etag: etagOf(1),
    location: `/v2/prism/${api.caller.teamId}/organization/${body.id}`,
  });
  expect((await api.caller.call('GET', String(headers.location))).text).toBe(
    (await api.caller.call('GET', api.caller.path(`organization/${body.id}`))).text,
  );
});

it('accepts each block alone', async () => {
  const responses = await Promise.all(
    [{ default: {} }, { list: {} }, { extended: { a: 1 } }].map((body) =>
      api.caller.call('POST', api.caller.path('deal'), { body }),
    ),
  );
  expect(responses.map(({ status }) => status)).toEqual([201, 201, 201]);
});
