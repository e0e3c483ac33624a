import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { ApiClient } from '../../support/api.client';
import { startGateway, type TestGateway } from '../../support/gateway';

let gateway: TestGateway;
let caller: ApiClient;

beforeAll(async () => {
  gateway = await startGateway();
  caller = await gateway.newCaller();
});
afterAll(() => gateway.close());

async function count(query = ''): Promise<unknown> {
  const { status, body } = await caller.call('GET', caller.path(`organization/count${query}`));
  expect(status).toBe(200);
  return body;
}

it('counts the live records of the type and team', async () => {
  expect(await count()).toEqual({ total: 0 });
  const [first] = await Promise.all([
    caller.create(),
    caller.create(),
    caller.create({ default: { name: 'D' } }, 'deal'),
  ]);
  await (await gateway.newCaller()).create();
  expect(await count()).toEqual({ total: 2 });
  await caller.call('POST', caller.path('organization/batch/delete'), { body: { ids: [first] } });
  expect(await count()).toEqual({ total: 1 });
});

it('counts the records in a list', async () => {
  const list = randomUUID();
  const id = await caller.create();
  await gateway.database.query('UPDATE records SET list = $3 WHERE team_id = $1 AND id = $2', [
    caller.teamId,
    id,
    { [list]: {} },
  ]);
  expect(await count(`?list_id=${list.toUpperCase()}`)).toEqual({ total: 1 });
  expect(await count(`?list_id=${randomUUID()}`)).toEqual({ total: 0 });
});
