import { randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import { useGateway } from '../../support/gateway.hooks';

const api = useGateway();

async function count(query = ''): Promise<unknown> {
  const { status, body } = await api.caller.call('GET', api.caller.path(`organization/count${query}`));
  expect(status).toBe(200);
  return body;
}

it('counts the live records of the type and team', async () => {
  expect(await count()).toEqual({ total: 0 });
  const [first] = await Promise.all([
    api.caller.create(),
    api.caller.create(),
    api.caller.create({ default: { name: 'D' } }, 'deal'),
  ]);
  await (await api.gateway.newCaller()).create();
  expect(await count()).toEqual({ total: 2 });
  await api.caller.call('POST', api.caller.path('organization/batch/delete'), { body: { ids: [first] } });
  expect(await count()).toEqual({ total: 1 });
});

it('counts the records in a list', async () => {
  const list = randomUUID();
  const id = await api.caller.create();
  await api.gateway.database.query('UPDATE records SET list = $3 WHERE team_id = $1 AND id = $2', [
    api.caller.teamId,
    id,
    { [list]: {} },
  ]);
  expect(await count(`?list_id=${list.toUpperCase()}`)).toEqual({ total: 1 });
  expect(await count(`?list_id=${randomUUID()}`)).toEqual({ total: 0 });
});
