import { beforeAll, describe, expect, it } from 'vitest';
import type { ApiClient } from '../../support/api.client';
import { useGateway } from '../../support/gateway.hooks';

const api = useGateway();

const types = ['organization', 'contact', 'identity', 'deal', 'action', 'document', 'engagement', 'event', 'comment'];

it('returns the definitions by type, then by id', async () => {
  const { status, body } = await api.caller.call('GET', api.caller.path('properties'));
  expect(status).toBe(200);
  expect(Object.keys(body).sort()).toEqual([...types].sort());
  for (const definitions of Object.values<Record<string, any>>(body)) {
    for (const [id, definition] of Object.entries(definitions)) expect(definition.id).toBe(id);
    const slugs = Object.values(definitions).map(({ slug }) => slug);
    expect(slugs).toEqual(expect.arrayContaining(['created_at', 'updated_at']));
  }
});

it('returns the definitions of one type', async () => {
  const { body } = await api.caller.call('GET', api.caller.path('organization/properties'));
  const bySlug = Object.fromEntries(
    Object.values<any>(body.organization).map((definition) => [definition.slug, definition]),
  );
  expect(bySlug.name).toMatchObject({ type: 'str', required: true, native: true });
  expect(bySlug.stage.options.map(({ slug }: any) => slug)).toEqual(['lead', 'qualified', 'proposal', 'won', 'lost']);
});

describe('filters', () => {
  const LIST = '0b9e6c1e-1c1f-4c0e-9d6b-0d1f5a3c7e21';
  let filtering: ApiClient;

  beforeAll(async () => {
    filtering = await api.gateway.newCaller();
    await api.gateway.database.query(
      `INSERT INTO property_definitions (team_id, object_type, id, slug, type, name, list_id)
       VALUES ($1, 'organization', gen_random_uuid(), 'shoe_size', 'num', 'Größe', NULL),
              ($1, 'organization', gen_random_uuid(), 'rating', 'num', 'Score', $2),
              ($1, 'organization', gen_random_uuid(), 'rating', 'num', 'Score of another list', gen_random_uuid())`,
      [filtering.teamId, LIST],
    );
  });

  it.each([
    ['a part of a slug', 'term=HOE_', ['shoe_size']],
    ['a part of a name, in any case', `term=${encodeURIComponent('GRÖ')}`, ['shoe_size']],
    ['a term that nothing has', 'term=nothing-has-this', []],
    ['a list', `list_id=${LIST.toUpperCase()}`, ['rating']],
    ['a list and a term', `list_id=${LIST}&term=score`, ['rating']],
    ['a list and a term of other properties', `list_id=${LIST}&term=shoe`, []],
    ['a list without properties', 'list_id=182bd5e5-6e1a-4fe4-a799-aa6d9a6ab26e', []],
  ])('select by %s', async (_, query, slugs) => {
    for (const path of ['properties', 'organization/properties']) {
      const { status, body } = await filtering.call('GET', filtering.path(`${path}?${query}`));
      expect(status).toBe(200);
      expect(Object.values<any>(body.organization).map(({ slug }) => slug)).toEqual(slugs);
    }
  });

  it.each([
    ['an unknown parameter', 'trm=a', '.query.trm', 'unknown_field'],
    ['a repeated term', 'term=a&term=b', '.query.term', 'single'],
    ['a repeated list', `list_id=${LIST}&list_id=${LIST}`, '.query.list_id', 'single'],
    ['a list that is no UUID', 'list_id=pipeline', '.query.list_id', 'uuid'],
    ['an empty list', 'list_id=', '.query.list_id', 'uuid'],
  ])('reject %s', async (_, query, field, code) => {
    for (const path of ['properties', 'organization/properties']) {
      const { status, body } = await filtering.call('GET', filtering.path(`${path}?${query}`));
      expect(status).toBe(400);
      expect(body.error.errors).toEqual([{ field, code, message: expect.any(String) }]);
    }
  });
});

it('a property of an unsupported type is read-only, and the others remain writable', async () => {
  const team = await api.gateway.newCaller();
  const id = await team.create();
  await api.gateway.database.query(
    `INSERT INTO property_definitions (team_id, object_type, id, slug, type, name)
     VALUES ($1, 'organization', gen_random_uuid(), 'logo', 'image', 'Logo')`,
    [team.teamId],
  );
  await api.gateway.database.query(
    `UPDATE records SET properties = properties || '{"logo": {"url": "a"}}' WHERE team_id = $1 AND id = $2`,
    [team.teamId, id],
  );
  const find = async (): Promise<any> =>
    Object.values<any>((await team.call('GET', team.path('organization/properties?term=logo'))).body.organization)[0];
  await expect.poll(find, { timeout: 10_000 }).toMatchObject({ slug: 'logo', type: 'jsonb', locked: true });
  expect((await team.read(id)).record.default.logo).toEqual({ url: 'a' });
  const { body } = await team.update([
    { id, default: { logo: {} } },
    { id, default: { name: 'B' } },
  ]);
  expect(body.results.map((result: any) => result.error?.errors[0].field ?? result.status)).toEqual([
    '.default.logo',
    'ok',
  ]);
  expect(body.results[0].error).toMatchObject({
    code: 'invalid_property',
    message: expect.stringContaining('does not support its type'),
  });
});
