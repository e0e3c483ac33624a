import { expect, it } from 'vitest';
import { useGateway } from '../../support/gateway.hooks';

const api = useGateway();

it('responds precondition_failed if the record has another etag, or does not exist', async () => {
  const id = await api.caller.create({ default: { name: 'A', primary_domain: 'a.example' } });
  const { etag } = await api.caller.read(id);
  const put = (value: string, ifMatch: string) =>
    api.caller.call('PUT', api.caller.path(`organization/by/primary_domain/${value}`), {
      body: { default: { name: 'B' } },
      headers: { 'if-match': ifMatch },
    });
  expect((await put('a.example', etag)).status).toBe(200);
  expect((await put('a.example', '*')).status).toBe(200);
  for (const [value, ifMatch] of [
    ['a.example', etag],
    ['none.example', '*'],
    ['none.example', etag],
  ] as const) {
    const { status, body } = await put(value, ifMatch);
    expect([status, body.error.code]).toEqual([412, 'precondition_failed']);
  }
  expect((await api.caller.call('GET', api.caller.path('organization/by/primary_domain/none.example'))).status).toBe(
    404,
  );
});
