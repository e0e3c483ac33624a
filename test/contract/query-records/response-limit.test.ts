import { afterAll, beforeAll, expect, it } from 'vitest';
import type { ApiClient, ApiResponse } from '../../support/api.client';
import { startGateway, type TestGateway } from '../../support/gateway';

const LIMIT = 8_000;

let gateway: TestGateway;
let caller: ApiClient;

beforeAll(async () => {
  gateway = await startGateway({ settings: { RECORD_LIMIT_BYTES: '4000', RESPONSE_LIMIT_BYTES: String(LIMIT) } });
  caller = await gateway.newCaller();
});
afterAll(() => gateway.close());

it('a page ends early rather than exceed RESPONSE_LIMIT_BYTES, and its cursor continues', async () => {
  const ids: string[] = [];
  for (const length of [3_000, 10, 3_500, 3_500, 3_500, 10, 10]) {
    ids.unshift(await caller.create({ default: { name: 'Acme', notes: 'n'.repeat(length) } }));
  }
  const pages: string[][] = [];
  let cursor: string | null = null;
  do {
    const query: string = cursor === null ? '' : `?cursor=${cursor}`;
    const { status, body, text }: ApiResponse = await caller.call('GET', caller.path(`organization${query}`));
    expect(status).toBe(200);
    expect(text.length).toBeLessThan(LIMIT + 1_000);
    expect(body.has_more).toBe(body.next_cursor !== null);
    pages.push(body.data.map(({ id }: { id: string }) => id));
    cursor = body.next_cursor;
  } while (cursor !== null);
  expect(pages.map(({ length }) => length)).toEqual([4, 3]);
  expect(pages.flat()).toEqual(ids);
});

it('selected properties alone count', async () => {
  const { body } = await caller.call('GET', caller.path('organization?select=name'));
  expect(body.data).toHaveLength(7);
});

it('a record that alone exceeds the limit has no properties', async () => {
  const huge = await caller.create();
  // Not written by the gateway, which has a lower limit.
  await gateway.database.query(
    "UPDATE records SET properties = jsonb_build_object('notes', repeat('x', 9000)) WHERE team_id = $1 AND id = $2",
    [caller.teamId, huge],
  );
  const { body } = await caller.call('GET', caller.path('organization'));
  expect(body.data).toEqual([{ id: huge, record_omitted: true }]);
  const next = await caller.call('GET', caller.path(`organization?cursor=${body.next_cursor}`));
  expect(next.body.data).toHaveLength(4);
});
