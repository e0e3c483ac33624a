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

const types = ['organization', 'contact', 'identity', 'deal', 'action', 'document', 'engagement', 'event', 'comment'];

it('answers the definitions by type, then by id', async () => {
  const { status, body } = await caller.call('GET', caller.path('properties'));
  expect(status).toBe(200);
  expect(Object.keys(body).sort()).toEqual([...types].sort());
  for (const definitions of Object.values<Record<string, any>>(body)) {
    for (const [id, definition] of Object.entries(definitions)) expect(definition.id).toBe(id);
    const slugs = Object.values(definitions).map(({ slug }) => slug);
    expect(slugs).toEqual(expect.arrayContaining(['created_at', 'updated_at']));
  }
});

it('answers those of one type', async () => {
  const { body } = await caller.call('GET', caller.path('organization/properties'));
  const bySlug = Object.fromEntries(
    Object.values<any>(body.organization).map((definition) => [definition.slug, definition]),
  );
  expect(bySlug.name).toMatchObject({ type: 'str', required: true, native: true });
  expect(bySlug.stage.options.map(({ slug }: any) => slug)).toEqual(['lead', 'qualified', 'proposal', 'won', 'lost']);
});

it('takes a new definition within 5 s, on every replica', async () => {
  const replica = await startGateway({ databaseUrl: gateway.databaseUrl });
  try {
    const item = { id: await caller.create(), default: { shoe_size: 43 } };
    const codeAt = async (url: string): Promise<string> => {
      const at = url === gateway.url ? caller : Object.assign(Object.create(caller), { url });
      return (await at.update([item])).body.results[0].error?.code ?? 'ok';
    };
    expect([await codeAt(gateway.url), await codeAt(replica.url)]).toEqual(['unknown_property', 'unknown_property']);
    await gateway.database.query(
      `INSERT INTO property_definitions (team_id, object_type, id, slug, type, name)
       VALUES ($1, 'organization', gen_random_uuid(), 'shoe_size', 'num', 'Shoe size')`,
      [caller.teamId],
    );
    const since = performance.now();
    for (const url of [gateway.url, replica.url]) {
      await expect.poll(() => codeAt(url), { timeout: 5_500, interval: 100 }).toBe('ok');
    }
    expect(performance.now() - since).toBeLessThan(5_500);
  } finally {
    await replica.close();
  }
});
