import { randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import { useGateway } from '../../support/gateway.hooks';
import { PropertyCalls } from '../../support/property.calls';

const api = useGateway();

it('changes name and required, and accepts what it cannot change if it is so already', async () => {
  const calls = new PropertyCalls(api.caller);
  const definition = await calls.define({ name: 'Score', type: 'num' });
  const { status, body } = await calls.patch(definition.id.toUpperCase(), {
    ...{ name: 'Rating', required: true },
    ...{ type: 'num', slug: 'score', list_id: null },
  });
  expect([status, body]).toEqual([200, { ...definition, name: 'Rating', required: true }]);
  expect(await calls.find('score')).toEqual(body);
  expect((await calls.patch(definition.id, {})).body).toEqual(body);
  expect((await calls.patch(definition.id, { name: 'RATING' })).body.name).toBe('RATING');
});

it('replays a change and a refusal byte for byte', async () => {
  const calls = new PropertyCalls(await api.gateway.newCaller());
  const { id } = await calls.define({ name: 'Score', type: 'num' });
  for (const [target, status] of [
    [id, 200],
    [randomUUID(), 404],
  ] as const) {
    const headers = { 'idempotency-key': randomUUID() };
    const first = await calls.patch(target, { name: 'One' }, { headers });
    await calls.patch(id, { name: 'Two' });
    const second = await calls.patch(target, { name: 'One' }, { headers });
    expect([first.status, second.status, second.text]).toEqual([status, status, first.text]);
    expect(second.headers['idempotent-replay']).toBe('true');
    expect((await calls.find('score')).name).toBe('Two');
  }
});
