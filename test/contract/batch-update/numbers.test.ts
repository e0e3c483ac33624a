import { afterAll, beforeAll, expect, it } from 'vitest';
import type { ApiClient } from '../../support/api.client';
import { startGateway, type TestGateway } from '../../support/gateway';

let gateway: TestGateway;
let caller: ApiClient;

beforeAll(async () => {
  gateway = await startGateway();
  caller = await gateway.newCaller();
  await gateway.database.query(
    `INSERT INTO property_definitions (team_id, object_type, id, slug, type, name, list_id)
     VALUES ($1, 'organization', gen_random_uuid(), 'blob', 'jsonb', 'Blob', NULL),
            ($1, 'organization', gen_random_uuid(), 'rating', 'num', 'Rating', $2)`,
    [caller.teamId, LIST],
  );
});
afterAll(() => gateway.close());

const LIST = '0b9e6c1e-1c1f-4c0e-9d6b-0d1f5a3c7e21';

/** Updates one new organization with blocks that are JSON text, so that numbers stay as they are written. */
async function update(blocks: string, key?: string): Promise<any> {
  const id = await caller.create();
  const { status, body } = await caller.call('POST', caller.path('organization/batch/update'), {
    body: `{"items":[{"id":"${id}",${blocks}}]}`,
    headers: key === undefined ? {} : { 'idempotency-key': key },
  });
  expect(status).toBe(200);
  return body.results[0];
}

it.each(['-0', '1.0', '1e2', '100e-2', '0.1', '9007199254740991', '5e-324', '0.12345678901234560'])(
  'stores %s exactly',
  async (token) => {
    const { status, record } = await update(`"default":{"employees":${token}}`);
    expect(status).toBe('ok');
    expect(record.default.employees === Number(token)).toBe(true);
  },
);

it.each([
  '0.1234567890123456789',
  '4503599627370497.5',
  '1e-400',
  '4.9e-324',
  '9007199254740993',
  '9007199254740992',
  '1e16',
  '1e308',
  '1e999',
  '-1e999999999',
])('responds invalid_property with the field to %s anywhere in an item', async (token) => {
  const places = [
    [`"default":{"employees":${token}}`, '.default.employees'],
    [`"default":{"blob":{"a":[0,${token}]}}`, '.default.blob.a[1]'],
    [`"default":{"tags":[${token}]}`, '.default.tags[0]'],
    [`"list":{"${LIST}":{"rating":${token}}}`, `.list.${LIST}.rating`],
    [`"extended":{"a":{"b":${token}}}`, '.extended.a.b'],
  ];
  for (const [blocks = '', field] of places) {
    const { error } = await update(blocks);
    expect([error.code, error.retryable, error.errors.map((each: any) => each.field)]).toEqual([
      'invalid_property',
      false,
      [field],
    ]);
  }
});

it('explains how to send a number that cannot be stored exactly', async () => {
  const { error } = await update('"default":{"employees":0.1234567890123456789}');
  expect(error.message).toContain('send fewer digits, or send a string');
});

it.each([
  ['an option', '{"items":[{}],"options":{"dry_run":1e-400}}', '.body.options.dry_run'],
  ['the options', '{"items":[{}],"options":1e-400}', '.body.options'],
  ['the items', '{"items":9007199254740993}', '.body.items'],
  ['the body', '0.1234567890123456789', '.body'],
])('responds 400 to such a number outside the items: %s', async (_, body, field) => {
  const response = await caller.call('POST', caller.path('organization/batch/update'), { body });
  expect([response.status, response.body.error.errors[0].field]).toEqual([400, field]);
});

it(
  'distinguishes null and a number that cannot be stored under one Idempotency-Key',
  { tags: ['redis-server'] },
  async () => {
    const id = await caller.create();
    const send = (value: string) =>
      caller.call('PATCH', caller.path(`organization/${id}`), {
        body: `{"default":{"employees":${value}}}`,
        headers: { 'idempotency-key': 'number-or-null' },
      });
    expect((await send('null')).status).toBe(200);
    const other = await send('1e-400');
    expect([other.status, other.body.error.code]).toEqual([409, 'idempotency_key_mismatch']);
  },
);
