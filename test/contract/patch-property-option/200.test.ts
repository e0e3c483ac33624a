import { expect, it } from 'vitest';
import { useGateway } from '../../support/gateway.hooks';
import { PropertyCalls } from '../../support/property.calls';

const api = useGateway();

it('changes the display name and the place of an option, and keeps its slug', async () => {
  const calls = new PropertyCalls(api.caller);
  const options = [{ value: 'A' }, { value: 'B' }, { value: 'C' }];
  const { id, options: created } = await calls.define({ name: 'Tier', type: 'select_str', options });
  const { status, body } = await calls.patchOption(id, created[0].id, { value: 'Alpha', slug: 'a', sort_index: 9 });
  expect([status, body]).toEqual([200, { ...created[0], value: 'Alpha' }]);
  expect((await calls.find('tier')).options.map(({ value }: any) => value)).toEqual(['B', 'C', 'Alpha']);
  expect((await calls.patchOption(id, created[0].id, {})).body).toEqual(body);
});

it('rejects another slug', async () => {
  const calls = new PropertyCalls(api.caller);
  const { id, options } = await calls.define({ name: 'Level', type: 'select_str', options: [{ value: 'A' }] });
  const { status, body } = await calls.patchOption(id, options[0].id, { slug: 'b' });
  expect([status, body.error.errors[0]]).toMatchObject([400, { field: '.body.slug', code: 'immutable' }]);
});

it('protects built-in options and those of locked properties', async () => {
  const calls = new PropertyCalls(api.caller);
  const stage = await calls.find('stage');
  const locked = await calls.define({ name: 'Locked', type: 'select_str', options: [{ value: 'A' }] });
  await api.gateway.database.query('UPDATE property_definitions SET locked = true WHERE id = $1', [locked.id]);
  for (const { id, options } of [stage, locked]) {
    const { status, body } = await calls.patchOption(id, options[0].id, { value: 'Mine' });
    expect([status, body.error.code]).toEqual([409, 'property_conflict']);
  }
});
