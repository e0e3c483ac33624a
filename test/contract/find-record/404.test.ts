import { expect, it } from 'vitest';
import { useGateway } from '../../support/gateway.hooks';

const api = useGateway();

it('responds not_found if no live record of this team and object type has the value', async () => {
  const other = await api.gateway.newCaller();
  await other.create({ default: { name: 'Theirs', primary_domain: 'theirs.example' } });
  await api.caller.create({ default: { name: 'Acme', primary_domain: 'Acme.example' } });
  await api.caller.create({ default: { full_name: 'Ann', email: 'acme.example' } }, 'contact');
  for (const value of ['theirs.example', 'acme.example', 'none.example']) {
    const { status, body } = await api.caller.call('GET', api.caller.path(`organization/by/primary_domain/${value}`));
    expect([status, body.error.code], value).toEqual([404, 'not_found']);
  }
});

it('responds not_found to an unknown object type and to an empty value', async () => {
  for (const path of ['company/by/name/x', 'organization/by/name/', 'organization/by//x']) {
    const { status } = await api.caller.call('GET', api.caller.path(path), { undocumented: true });
    expect(status, path).toBe(404);
  }
});
