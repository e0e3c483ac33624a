import { expect, it } from 'vitest';
import { useGateway } from '../../support/gateway.hooks';

const api = useGateway();

it('responds multiple_matches, which no retry cures, if several records have the value', async () => {
  for (const name of ['One', 'Two']) {
    await api.caller.create({ default: { name, primary_domain: 'shared.example', location: 'Bern' } });
  }
  for (const path of ['primary_domain/shared.example', 'location/Bern']) {
    const { status, body, headers } = await api.caller.call('GET', api.caller.path(`organization/by/${path}`));
    expect([status, body.error.code, headers['x-should-retry']]).toEqual([409, 'multiple_matches', 'false']);
  }
});
