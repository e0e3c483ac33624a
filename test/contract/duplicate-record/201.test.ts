import { randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import { OBJECT_TYPES } from '#libs/properties';
import { etagOf } from '../../support/etags';
import { useGateway } from '../../support/gateway.hooks';
import { sampleOf } from '../../support/sample.records';

const api = useGateway();
const listId = '0b9e4d0e-8a0f-4d43-8f7c-3f5f6f5b0f11';

async function countOf(name: string): Promise<number> {
  const { rows } = await api.gateway.database.query<{ count: number }>(
    "SELECT count(*)::integer FROM records WHERE team_id = $1 AND properties ->> 'name' = $2",
    [api.caller.teamId, name],
  );
  return rows[0]?.count ?? NaN;
}

it.each(OBJECT_TYPES)('copies all blocks of a record: %s', async (object) => {
  const content = {
    ...sampleOf(object),
    list: { [listId]: {} },
    extended: { a: { b: [1, 2.5] } },
  };
  const id = await api.caller.create(content, object);
  const source = (await api.caller.read(id, object)).record;
  const { status, body, headers } = await api.caller.call('POST', api.caller.path(`${object}/${id}/duplicate`));
  expect(status).toBe(201);
  expect(body.id).not.toBe(id);
  expect(headers).toMatchObject({
    etag: etagOf(1),
    location: `/v2/prism/${api.caller.teamId}/${object}/${body.id}`,
  });
  expect(body).toEqual({
    ...source,
    id: body.id,
    default: { ...source.default, created_at: expect.any(String), updated_at: expect.any(String) },
  });
  expect((await api.caller.read(body.id, object)).record).toEqual(body);
});

it('makes exactly one copy, however often the request is retried', async () => {
  const name = randomUUID();
  const id = await api.caller.create({ default: { name } });
  const options = { headers: { 'idempotency-key': randomUUID() }, body: {} };
  const path = api.caller.path(`organization/${id}/duplicate`);
  const first = await api.caller.call('POST', path, options);
  // The retry returns the copy of the first attempt, also without the source.
  await api.caller.call('DELETE', api.caller.path(`organization/${id}`));
  for (let retry = 1; retry <= 3; retry += 1) {
    const again = await api.caller.call('POST', path, options);
    expect([again.status, again.text, again.headers.location]).toEqual([201, first.text, first.headers.location]);
    expect(again.headers['idempotent-replay']).toBe('true');
  }
  expect(await countOf(name)).toBe(2);
});

it('makes one copy per request without a key', async () => {
  const name = randomUUID();
  const id = await api.caller.create({ default: { name } });
  await api.caller.call('POST', api.caller.path(`organization/${id}/duplicate`));
  await api.caller.call('POST', api.caller.path(`organization/${id}/duplicate`));
  expect(await countOf(name)).toBe(3);
});
