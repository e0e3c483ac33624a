import { expect, it } from 'vitest';
import { useGateway } from '../../support/gateway.hooks';
import { PropertyCalls } from '../../support/property.calls';

const api = useGateway();

it('protects built-in and locked properties, and names in use', async () => {
  const calls = new PropertyCalls(api.caller);
  const builtIn = await calls.find('stage');
  const own = await calls.define({ name: 'Score', type: 'num' });
  const locked = await calls.define({ name: 'Locked', type: 'num' });
  await api.gateway.database.query('UPDATE property_definitions SET locked = true WHERE id = $1', [locked.id]);
  const attempts: [string, object, string][] = [
    [builtIn.id, { name: 'Phase' }, 'built in'],
    [locked.id, { required: true }, 'locked'],
    [own.id, { name: 'stage' }, 'has this name'],
  ];
  for (const [id, body, text] of attempts) {
    const { status, body: response } = await calls.patch(id, body);
    expect([status, response.error.code]).toEqual([409, 'property_conflict']);
    expect(response.error.message).toContain(text);
  }
});
