import { beforeAll, describe, expect, it } from 'vitest';
import { useGateway } from '../../support/gateway.hooks';

const api = useGateway();

/** Fails unless the body is rejected for this field and rule. */
async function expectRejected(body: unknown, field: string, code: string): Promise<string> {
  const response = await api.caller.call('POST', api.caller.path('organization/query'), { body });
  expect(response.status, response.text).toBe(400);
  expect(response.body.error.code).toBe('invalid_request');
  expect(response.body.error.errors).toContainEqual({ field, code, message: expect.any(String) });
  return response.body.error.message;
}

const select = ['name'];
const where = (filter: unknown, more: object = {}): object => ({ query: { select, filter, ...more } });
const nested = (depth: number): unknown[] =>
  depth === 0 ? [{ name: { '=': 'a' } }] : [{ [depth % 2 === 0 ? 'AND' : 'OR']: nested(depth - 1) }];
const many = (count: number): unknown[] => Array.from({ length: count }, () => ({ name: { '=': 'a' } }));
const texts = (count: number): string[] => Array.from({ length: count }, () => 'a');

describe('a query is rejected with the field and the rule', () => {
  it.each<[string, unknown, string, string]>([
    ['that is no object', [], '.body', 'object'],
    ['without query', {}, '.body.query', 'object'],
    ['whose query is null', { query: null }, '.body.query', 'object'],
    ['without select', { query: {} }, '.body.query.select', 'array'],
    ['that selects nothing', { query: { select: [] } }, '.body.query.select', 'min_items'],
    ['that selects what is no slug', { query: { select: ['name', 5] } }, '.body.query.select[1]', 'string'],
    [
      'that selects an undefined property',
      { query: { select: ['nmae'] } },
      '.body.query.select[0]',
      'unknown_property',
    ],
    ['with an unknown member', { query: { select }, limit: 5 }, '.body.limit', 'unknown_field'],
    ['with an unknown member of query', { query: { select, where: 1 } }, '.body.query.where', 'unknown_field'],
    ['with limit 0', { query: { select, limit: 0 } }, '.body.query.limit', 'min'],
    ['with limit 51', { query: { select, limit: 51 } }, '.body.query.limit', 'max'],
    ['with limit 1.5', { query: { select, limit: 1.5 } }, '.body.query.limit', 'integer'],
    ['with page 0', { query: { select, page: 0 } }, '.body.query.page', 'min'],
    ['with page 10001', { query: { select, page: 10_001 } }, '.body.query.page', 'max'],
    ['with another combinator', { query: { select, combinator: 'XOR' } }, '.body.query.combinator', 'enum'],
    ['with a list_id that is no UUID', { query: { select, list_id: 'x' } }, '.body.query.list_id', 'uuid'],
    ['with an id that is no UUID', { query: { select }, id: 'x' }, '.body.id', 'uuid'],
    ['with a list of ids of which one is no UUID', { query: { select }, id: [null] }, '.body.id[0]', 'uuid'],
    ['with too many ids', { query: { select }, id: Array.from({ length: 1_001 }, () => 'x') }, '.body.id', 'max_items'],
    ['with deleted as text', { query: { select }, deleted: 'true' }, '.body.deleted', 'boolean'],
    ['with include_total as number', { query: { select }, include_total: 1 }, '.body.include_total', 'boolean'],
    ['with sort as text', { query: { select, sort: 'name' } }, '.body.query.sort', 'array'],
    ['with an empty sort element', { query: { select, sort: [{}] } }, '.body.query.sort[0]', 'object'],
    ['with another direction', { query: { select, sort: [{ name: 'up' }] } }, '.body.query.sort[0].name', 'enum'],
    [
      'that sorts twice by one property',
      { query: { select, sort: [{ name: 'asc' }, { name: 'desc' }] } },
      '.body.query.sort[1].name',
      'duplicate',
    ],
    [
      'that sorts by lists',
      { query: { select, sort: [{ tags: 'asc' }] } },
      '.body.query.sort[0].tags',
      'operator_not_applicable',
    ],
    [
      'that sorts by an undefined property',
      { query: { select, sort: [{ x: 'asc' }] } },
      '.body.query.sort[0].x',
      'unknown_property',
    ],
    [
      'that sorts by too many properties',
      { query: { select, sort: Array.from({ length: 6 }, () => ({ name: 'asc' })) } },
      '.body.query.sort',
      'max_items',
    ],
    ['with a filter that is no array', where({ name: { '=': 'a' } }), '.body.query.filter', 'array'],
    ['with a condition that is no object', where(['name']), '.body.query.filter[0]', 'object'],
    ['with an empty condition', where([{}]), '.body.query.filter[0]', 'min_items'],
    ['with a value instead of an operator', where([{ name: 'a' }]), '.body.query.filter[0].name', 'object'],
    ['with an empty comparison', where([{ name: {} }]), '.body.query.filter[0].name', 'min_items'],
    ['with an undefined property', where([{ nmae: { '=': 'a' } }]), '.body.query.filter[0].nmae', 'unknown_property'],
    [
      'with an unknown operator',
      where([{ name: { like: 'a' } }]),
      '.body.query.filter[0].name.like',
      'unknown_operator',
    ],
    ['with null as a value', where([{ name: { '=': null } }]), '.body.query.filter[0].name["="]', 'invalid_property'],
    ['with a number for a text', where([{ name: { '=': 5 } }]), '.body.query.filter[0].name["="]', 'invalid_property'],
    ['with NUL in a text', where([{ name: { '=': 'a\0' } }]), '.body.query.filter[0].name["="]', 'invalid_property'],
    [
      'with a lone surrogate',
      where([{ name: { contains: '\ud800' } }]),
      '.body.query.filter[0].name.contains',
      'invalid_property',
    ],
    [
      'with a huge text',
      where([{ name: { contains: 'a'.repeat(8_193) } }]),
      '.body.query.filter[0].name.contains',
      'invalid_property',
    ],
    [
      'with a text for a number',
      where([{ employees: { '>': 'many' } }]),
      '.body.query.filter[0].employees[">"]',
      'invalid_property',
    ],
    [
      'with a number that a double rounds',
      where([{ employees: { '>': '0.1234567890123456789' } }]),
      '.body.query.filter[0].employees[">"]',
      'invalid_property',
    ],
    [
      'with a number beyond 2^53',
      where([{ employees: { '>': 9007199254740992 } }]),
      '.body.query.filter[0].employees[">"]',
      'invalid_property',
    ],
    [
      'with a number as a double has none',
      where([{ employees: { '>': '1e400' } }]),
      '.body.query.filter[0].employees[">"]',
      'invalid_property',
    ],
    [
      'with a day that does not exist',
      where([{ founded_on: { '=': '2026-02-30' } }]),
      '.body.query.filter[0].founded_on["="]',
      'invalid_property',
    ],
    [
      'with an unknown option',
      where([{ stage: { in: ['won', 'wonn'] } }]),
      '.body.query.filter[0].stage.in[1]',
      'unknown_option',
    ],
    ['with in of one value', where([{ name: { in: 'a' } }]), '.body.query.filter[0].name.in', 'array'],
    ['with in of no value', where([{ name: { in: [] } }]), '.body.query.filter[0].name.in', 'min_items'],
    [
      'with in of too many values',
      where([{ name: { in: Array.from({ length: 1_001 }, String) } }]),
      '.body.query.filter[0].name.in',
      'max_items',
    ],
    [
      'with too many values in all conditions',
      where([{ OR: [{ notes: { contains: texts(1_000) } }, { name: { in: texts(999) } }] }, ...many(2)]),
      '.body.query.filter[2].name["="]',
      'max_items',
    ],
    [
      'with more values than a statement can have parameters',
      where(Array.from({ length: 100 }, () => ({ notes: { contains: texts(1_000) } }))),
      '.body.query.filter[2].notes.contains',
      'max_items',
    ],
    [
      'with contains of a text that is too long',
      where([{ notes: { contains: ['a', 'a'.repeat(1_001)] } }]),
      '.body.query.filter[0].notes.contains[1]',
      'invalid_property',
    ],
    ['with a list for =', where([{ name: { '=': ['a'] } }]), '.body.query.filter[0].name["="]', 'invalid_property'],
    [
      'with between of one value',
      where([{ employees: { between: [1] } }]),
      '.body.query.filter[0].employees.between',
      'array',
    ],
    [
      'with exists of a text',
      where([{ name: { exists: 'yes' } }]),
      '.body.query.filter[0].name.exists',
      'invalid_property',
    ],
    ['with < of a list', where([{ tags: { '<': 'a' } }]), '.body.query.filter[0].tags["<"]', 'operator_not_applicable'],
    [
      'with contains of a number',
      where([{ employees: { contains: '5' } }]),
      '.body.query.filter[0].employees.contains',
      'operator_not_applicable',
    ],
    ['with an id that is no UUID in a filter', where([{ id: { '=': 'x' } }]), '.body.query.filter[0].id["="]', 'uuid'],
    ['with an empty OR', where([{ OR: [] }]), '.body.query.filter[0].OR', 'min_items'],
    ['nested too deep', where(nested(6)), '.body.query.filter[0].AND[0].OR[0].AND[0].OR[0].AND[0].OR', 'max_depth'],
    ['with too many conditions', where(many(101)), '.body.query.filter', 'max_items'],
    [
      'with too many conditions in groups',
      where([{ OR: many(60) }, { OR: many(60) }]),
      '.body.query.filter[1].OR[40].name["="]',
      'max_items',
    ],
    [
      'with a key that is long and no slug',
      where([{ ['\ud800'.repeat(100)]: { '=': 'a' } }]),
      `.body.query.filter[0]["${'\\ud800'.repeat(64)}…"]`,
      'unknown_property',
    ],
    ['with a cursor that is no string', { query: { select, cursor: 5 } }, '.body.query.cursor', 'string'],
    ['with a cursor of the wrong alphabet', { query: { select, cursor: '!' } }, '.body.query.cursor', 'cursor'],
    ['with an empty cursor', { query: { select }, cursor: '' }, '.body.cursor', 'cursor'],
  ])('%s', async (_, body, field, code) => {
    await expectRejected(body, field, code);
  });

  it.each([
    ['a query that is no JSON', '{"query": {'],
    ['a query with __proto__', '{"query": {"select": ["name"], "filter": [{"__proto__": {"=": "a"}}]}}'],
    ['a query nested deeper than 32 levels', JSON.stringify(where(nested(20)))],
  ])('%s is invalid_json', async (_, body) => {
    const { status, body: response } = await api.caller.call('POST', api.caller.path('organization/query'), { body });
    expect([status, response.error.code]).toEqual([400, 'invalid_json']);
  });

  it('names the property that was meant, and the operators', async () => {
    expect(
      await expectRejected(where([{ nmae: { '=': 1 } }]), '.body.query.filter[0].nmae', 'unknown_property'),
    ).toContain('did you mean name?');
    expect(
      await expectRejected(where([{ name: { eq: 1 } }]), '.body.query.filter[0].name.eq', 'unknown_operator'),
    ).toContain('begins_with');
  });

  it('a malformed Idempotency-Key', async () => {
    const headers = { 'idempotency-key': '"open' };
    const response = await api.caller.call('POST', api.caller.path('organization/query'), {
      body: { query: { select } },
      headers,
    });
    expect(response.status).toBe(400);
    expect(response.body.error.errors[0].field).toBe('.header.idempotency-key');
  });
});

it('accepts what is at the limits', async () => {
  for (const filter of [nested(5), many(100), [{ name: { in: Array.from({ length: 1_000 }, String) } }]]) {
    const { status, text } = await api.caller.call('POST', api.caller.path('organization/query'), {
      body: where(filter),
    });
    expect(status, text).toBe(200);
  }
});

describe('a cursor', () => {
  const base = {
    query: { select, filter: [{ name: { exists: true } }], sort: [{ employees: 'asc' }, { name: 'desc' }], limit: 1 },
  };
  let cursor = '';

  beforeAll(async () => {
    for (const employees of [1, 2, 3]) await api.caller.create({ default: { name: 'Acme', employees } });
    const first = await api.caller.call('POST', api.caller.path('organization/query'), { body: base });
    cursor = first.body.next_cursor;
  });

  it('continues its query, even with other properties and spellings of the same filter', async () => {
    const query = { ...base.query, select: ['employees'], filter: [{ name: { is_null: false } }], cursor };
    const { body } = await api.caller.call('POST', api.caller.path('organization/query'), { body: { query } });
    expect(body.data[0].properties).toEqual({ employees: 2 });
  });

  it.each([
    ['another filter', { filter: [{ name: { exists: false } }] }, {}],
    ['no filter', { filter: [] }, {}],
    ['another sort', { sort: [{ employees: 'desc' }, { name: 'desc' }] }, {}],
    ['no sort', { sort: [] }, {}],
    ['a list', { list_id: '182bd5e5-6e1a-4fe4-a799-aa6d9a6ab26e' }, {}],
    ['deleted records', {}, { deleted: true }],
    ['ids', {}, { id: ['182bd5e5-6e1a-4fe4-a799-aa6d9a6ab26e'] }],
  ])('is rejected for a query with %s', async (_, query, more) => {
    await expectRejected({ query: { ...base.query, ...query, cursor }, ...more }, '.body.query.cursor', 'cursor');
  });

  it('is rejected for another object type and another team', async () => {
    const other = await api.gateway.newCaller();
    for (const path of [api.caller.path('deal/query'), other.path('organization/query')]) {
      const query = { select: ['name'], cursor };
      const sender = path.startsWith(`/v2/prism/${other.teamId}`) ? other : api.caller;
      const { status, body } = await sender.call('POST', path, { body: { query } });
      expect([status, body.error.errors[0].code]).toEqual([400, 'cursor']);
    }
  });

  it('is rejected if it is truncated or changed anywhere', async () => {
    const changed = Array.from({ length: cursor.length }, (_, index) => {
      const other = cursor[index] === 'A' ? 'B' : 'A';
      return [cursor.slice(0, index), cursor.slice(0, index) + other + cursor.slice(index + 1)];
    }).flat();
    const statuses = await Promise.all(
      [...changed, `${cursor}AAAA`, 'A'.repeat(15_000)].map(async (each) => {
        const { status, body } = await api.caller.call('POST', api.caller.path('organization/query'), {
          body: { query: { ...base.query, cursor: each } },
        });
        // The last character has bits that no byte uses.
        return status === 200 && each.slice(0, -1) === cursor.slice(0, -1) ? 'cursor' : body.error.errors[0].code;
      }),
    );
    expect(new Set(statuses)).toEqual(new Set(['cursor']));
  });
});

it('a number that a double cannot represent is rejected, also after the same query with null', async () => {
  const query = (limit: string): string => `{"query":{"select":["name"],"limit":${limit}}}`;
  for (const limit of ['null', 'null']) {
    const { status } = await api.caller.call('POST', api.caller.path('organization/query'), { body: query(limit) });
    expect(status).toBe(200);
  }
  await expectRejected(query('1e400'), '.body.query.limit', 'max');
});
