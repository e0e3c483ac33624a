import { randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import { useGateway } from '../../support/gateway.hooks';
import { PropertyCalls } from '../../support/property.calls';

const api = useGateway();
const valid = { name: 'Score', type: 'num' };
const select = { name: 'Tier', type: 'select_str' };

it.each<[string, unknown, string, string]>([
  ['a body that is no object', [], '.body', 'object'],
  ['an unknown member', { ...valid, icon: 'x' }, '.body.icon', 'unknown_field'],
  ['no name', { type: 'num' }, '.body.name', 'string'],
  ['a blank name', { ...valid, name: '  ' }, '.body.name', 'length'],
  ['a long name', { ...valid, name: 'x'.repeat(256) }, '.body.name', 'length'],
  ['a NUL in the name', { ...valid, name: 'a\0' }, '.body.name', 'text'],
  ['a lone surrogate in the name', '{"name":"\\ud800","type":"num"}', '.body.name', 'text'],
  ['a name without a letter to derive a slug from', { ...valid, name: '客户' }, '.body.slug', 'required'],
  ['a malformed slug', { ...valid, slug: 'Shoe size' }, '.body.slug', 'slug'],
  ['a reserved slug', { ...valid, slug: 'include_total' }, '.body.slug', 'reserved'],
  ['a null slug', { ...valid, slug: null }, '.body.slug', 'string'],
  ['an unknown type', { ...valid, type: 'image' }, '.body.type', 'enum'],
  ['an unknown lookup', { ...valid, lookup: 'fast' }, '.body.lookup', 'enum'],
  ['a lookup of a long text', { name: 'Notes', type: 'text', lookup: 'indexed' }, '.body.lookup', 'lookup'],
  ['a lookup of several values', { name: 'Tags', type: 'multi_str', lookup: 'unique' }, '.body.lookup', 'lookup'],
  [
    'a lookup in a list',
    { ...valid, lookup: 'indexed', list_id: '182bd5e5-6e1a-4fe4-a799-aa6d9a6ab26e' },
    '.body.lookup',
    'lookup',
  ],
  ['required that is no boolean', { ...valid, required: 1 }, '.body.required', 'boolean'],
  ['a list that is no UUID', { ...valid, list_id: 'pipeline' }, '.body.list_id', 'uuid'],
  ['options of another type', { ...valid, options: [{ value: 'A' }] }, '.body.options', 'select'],
  ['options that are no array', { ...select, options: {} }, '.body.options', 'array'],
  ['too many options', { ...select, options: Array(501).fill({ value: 'A' }) }, '.body.options', 'max_items'],
  ['an option that is no object', { ...select, options: ['A'] }, '.body.options[0]', 'object'],
  ['an option without a value', { ...select, options: [{ value: 'A' }, {}] }, '.body.options[1].value', 'string'],
  [
    'an option with a malformed slug',
    { ...select, options: [{ value: 'A', slug: '?' }] },
    '.body.options[0].slug',
    'slug',
  ],
  [
    'an option without a slug to derive',
    { ...select, options: [{ value: '客' }] },
    '.body.options[0].slug',
    'required',
  ],
  [
    'two options with one slug',
    {
      ...select,
      options: [
        { value: 'A', slug: 'a' },
        { value: 'B', slug: 'a' },
      ],
    },
    '.body.options[1].slug',
    'duplicate',
  ],
  [
    'a fraction as sort_index',
    { ...select, options: [{ value: 'A', sort_index: 0.5 }] },
    '.body.options[0].sort_index',
    'integer',
  ],
])('rejects %s, and keeps the key unused', async (_, body, field, code) => {
  const calls = new PropertyCalls(await api.gateway.newCaller());
  const headers = { 'idempotency-key': randomUUID() };
  const response = await calls.create(body, { headers });
  expect([response.status, response.body.error.code]).toEqual([400, 'invalid_request']);
  expect(response.body.error.errors[0]).toMatchObject({ field, code });
  expect((await calls.create(valid, { headers })).status).toBe(201);
});

it('rejects a key without the scope schema:write', async () => {
  const { teamId } = api.caller;
  const calls = new PropertyCalls(await api.gateway.newCaller({ teamId, scopes: ['records:read', 'records:write'] }));
  const id = randomUUID();
  const responses = [
    await calls.create(valid),
    await calls.patch(id, {}),
    await calls.remove(id),
    await calls.createOption(id, { value: 'A' }),
    await calls.patchOption(id, id, {}),
    await calls.removeOption(id, id),
  ];
  expect(responses.map(({ status }) => status)).toEqual(Array(6).fill(403));
});
