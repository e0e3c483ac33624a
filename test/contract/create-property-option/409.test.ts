import { expect, it } from 'vitest';
import { useGateway } from '../../support/gateway.hooks';
import { PropertyCalls } from '../../support/property.calls';

const api = useGateway();

it('rejects a slug in use, a locked property and more than 500 options', async () => {
  const calls = new PropertyCalls(api.caller);
  const { id } = await calls.define({ name: 'Tier', type: 'select_str', options: [{ value: 'Gold' }] });
  const locked = await calls.define({ name: 'Locked', type: 'select_str' });
  await api.gateway.database.query('UPDATE property_definitions SET locked = true WHERE id = $1', [locked.id]);
  const expectConflict = async (property: string, body: object, text: string): Promise<void> => {
    const { status, body: response } = await calls.createOption(property, body);
    expect([status, response.error.code]).toEqual([409, 'property_conflict']);
    expect(response.error.message).toContain(text);
  };
  await expectConflict(id, { value: 'Other', slug: 'gold' }, 'gold');
  await expectConflict(locked.id, { value: 'Other' }, 'locked');
  await expectConflict((await calls.find('stage')).id, { value: 'Other', slug: 'won' }, 'won');
  await api.gateway.database.query(
    `INSERT INTO property_options (team_id, property_id, id, slug, value)
     SELECT $1, $2, gen_random_uuid(), 'o' || n, 'O' || n FROM generate_series(1, 499) AS n`,
    [api.caller.teamId, id],
  );
  await expectConflict(id, { value: 'Other' }, '500');
});
