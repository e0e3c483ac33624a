import { randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import { useGateway } from '../../support/gateway.hooks';

const api = useGateway();

it('responds multiple_matches, which no retry cures, if several records have the value', async () => {
  for (const name of ['One', 'Two']) {
    await api.caller.create({ default: { name, primary_domain: 'shared.example', website: 'shared.example' } });
  }
  for (const slug of ['primary_domain', 'website']) {
    const call = { body: { default: { name: 'A' } }, headers: { 'idempotency-key': randomUUID() } };
    const path = api.caller.path(`organization/by/${slug}/shared.example`);
    const first = await api.caller.call('PUT', path, call);
    expect([first.status, first.body.error.code]).toEqual([409, 'multiple_matches']);
    expect(first.headers['x-should-retry']).toBe('false');
    const second = await api.caller.call('PUT', path, call);
    expect([second.text, second.headers['idempotent-replay']]).toEqual([first.text, 'true']);
  }
});
