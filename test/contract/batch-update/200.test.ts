import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { useGateway } from '../../support/gateway.hooks';
import { etagOf } from '../../support/etags';

const api = useGateway();

const acme = { default: { name: 'Acme', stage: 'lead', tags: ['a', 'b'], employees: 7 } };

describe('results', () => {
  it('have the order of the items, even when some fail', async () => {
    const [first, second] = [await api.caller.create(acme), await api.caller.create(acme)];
    const missing = randomUUID();
    const { status, body } = await api.caller.update([
      { id: first, default: { name: 'One' } },
      { id: missing, default: { name: 'Two' } },
      { id: 'x', default: { name: 'Three' } },
      { id: second, default: { stage: 'won' } },
    ]);
    expect(status).toBe(200);
    expect(body.summary).toEqual({ total: 4, succeeded: 2, failed: 2 });
    expect(body.results).toMatchObject([
      { id: first, status: 'ok', etag: etagOf(2), record: { id: first, default: { name: 'One', stage: 'lead' } } },
      { id: missing, status: 'error', error: { code: 'not_found', retryable: false } },
      { id: null, status: 'error', error: { code: 'invalid_item', errors: [{ field: '.id', code: 'uuid' }] } },
      { id: second, status: 'ok', etag: etagOf(2), record: { id: second, default: { name: 'Acme', stage: 'won' } } },
    ]);
  });

  it('come with 200 when every item fails', async () => {
    const { status, body } = await api.caller.update([{ id: randomUUID() }, 7]);
    expect(status).toBe(200);
    expect(body.summary).toEqual({ total: 2, succeeded: 0, failed: 2 });
  });

  it('contain an id in lower case that was sent in upper case', async () => {
    const id = await api.caller.create(acme);
    const { body } = await api.caller.update([{ id: id.toUpperCase(), default: { name: 'Upper' } }]);
    expect(body.results[0]).toMatchObject({ id, status: 'ok', record: { id } });
  });

  it('accept any version of UUID', async () => {
    for (const id of ['00000000-0000-0000-0000-000000000000', 'ffffffff-ffff-ffff-ffff-ffffffffffff', randomUUID()]) {
      const { body } = await api.caller.update([{ id }]);
      expect(body.results[0]).toMatchObject({ id, error: { code: 'not_found' } });
    }
  });

  it('contain two entries for an id that comes twice, applied in order', async () => {
    const id = await api.caller.create(acme);
    const { body } = await api.caller.update([
      { id, default: { name: 'First', location: 'Bern' } },
      { id, default: { name: 'Second' } },
    ]);
    expect(body.results.map((result: any) => result.etag)).toEqual([etagOf(2), etagOf(3)]);
    expect((await api.caller.read(id)).record.default).toMatchObject({ name: 'Second', location: 'Bern' });
  });

  it('contain a hundred items', async () => {
    const id = await api.caller.create(acme);
    const { body } = await api.caller.update(
      Array.from({ length: 100 }, (_, n) => ({ id, default: { employees: n } })),
    );
    expect(body.summary).toEqual({ total: 100, succeeded: 100, failed: 0 });
    expect((await api.caller.read(id)).version).toBe(101);
  });

  it('exist for every object type', async () => {
    for (const object of ['contact', 'identity', 'deal', 'action', 'document', 'engagement', 'event']) {
      const slug = ['contact', 'identity'].includes(object) ? 'full_name' : 'name';
      const id = await api.caller.create({ default: { [slug]: 'A' } }, object);
      const { body } = await api.caller.update([{ id, default: { [slug]: 'B' } }], undefined, {}, object);
      expect(body.results[0]).toMatchObject({ id, status: 'ok', record: { default: { [slug]: 'B' } } });
    }
  });
});

describe('one item', () => {
  it('keeps omitted properties, clears null ones and replaces arrays', async () => {
    const id = await api.caller.create(acme);
    const { body } = await api.caller.update([{ id, default: { stage: null, tags: ['c'] } }]);
    const { default: properties } = body.results[0].record;
    expect(properties).toMatchObject({ name: 'Acme', employees: 7, tags: ['c'] });
    expect(properties).not.toHaveProperty('stage');
  });

  it('appends to and removes from a set', async () => {
    const id = await api.caller.create(acme);
    const { body } = await api.caller.update([
      { id, default: { tags: { _op: 'append', values: ['b', 'c', 'c'] } } },
      { id, default: { tags: { _op: 'remove', values: ['a', 'x'] } } },
    ]);
    expect(body.results.map((result: any) => result.record.default.tags)).toEqual([
      ['a', 'b', 'c'],
      ['b', 'c'],
    ]);
  });

  it('merges extended by top-level key', async () => {
    const id = await api.caller.create({ ...acme, extended: { a: { x: 1 }, b: 2, c: 3 } });
    const { body } = await api.caller.update([{ id, extended: { a: { y: 2 }, c: null } }]);
    expect(body.results[0].record.extended).toEqual({ a: { y: 2 }, b: 2 });
  });

  it('returns the unchanged record if it has only an id', async () => {
    const id = await api.caller.create(acme);
    const { body } = await api.caller.update([{ id }, { id, default: {} }]);
    expect(body.results).toMatchObject([
      { status: 'ok', etag: etagOf(1), record: { default: { name: 'Acme' } } },
      { status: 'ok', etag: etagOf(1) },
    ]);
    expect((await api.caller.read(id)).version).toBe(1);
  });

  it('changes its blocks together or not at all', async () => {
    const id = await api.caller.create(acme);
    const { body } = await api.caller.update([{ id, default: { name: 'New' }, extended: { bad: '\u0000' } }]);
    expect(body.results[0].error).toMatchObject({ code: 'invalid_property', errors: [{ field: '.extended.bad' }] });
    expect((await api.caller.read(id)).record.default.name).toBe('Acme');
  });

  it('is conditional on if_match', async () => {
    const id = await api.caller.create(acme);
    const { etag } = await api.caller.read(id);
    const { body } = await api.caller.update([
      { id, if_match: etag, default: { name: 'Right' } },
      { id, if_match: etag, default: { name: 'Late' } },
      { id, if_match: '*', default: { location: 'Any' } },
      { id, if_match: '"99999999999999999999"', default: { name: 'Far' } },
      { id: randomUUID(), if_match: etag, default: { name: 'None' } },
      { id, if_match: '1', default: { name: 'Bare' } },
    ]);
    expect(body.results.map((result: any) => result.error?.code ?? 'ok')).toEqual([
      'ok',
      'precondition_failed',
      'ok',
      'precondition_failed',
      'not_found',
      'invalid_item',
    ]);
    expect((await api.caller.read(id)).record.default).toMatchObject({ name: 'Right', location: 'Any' });
  });
});

describe('an item error has the code and the field', () => {
  const cases: [string, object, string, string][] = [
    ['an unknown property', { default: { nmae: 'x' } }, 'unknown_property', '.default.nmae'],
    ['a prototype member as slug', { default: { toString: 'x' } }, 'unknown_property', '.default.toString'],
    ['a number for a string', { default: { name: 5 } }, 'invalid_property', '.default.name'],
    ['a string for a number', { default: { employees: '5' } }, 'invalid_property', '.default.employees'],
    ['an integer past 2^53', { default: { employees: 2 ** 53 } }, 'invalid_property', '.default.employees'],
    ['a day that does not exist', { default: { founded_on: '2026-02-30' } }, 'invalid_property', '.default.founded_on'],
    ['NUL', { default: { name: 'a\u0000' } }, 'invalid_property', '.default.name'],
    ['a lone surrogate', { default: { name: '\ud800' } }, 'invalid_property', '.default.name'],
    ['a read-only property', { default: { created_at: '2026-01-01' } }, 'invalid_property', '.default.created_at'],
    ['an unknown option', { default: { stage: 'wno' } }, 'unknown_option', '.default.stage'],
    ['clearing what is required', { default: { name: null } }, 'required_property', '.default.name'],
    [
      'an operator on a single value',
      { default: { name: { _op: 'append', values: [] } } },
      'invalid_property',
      '.default.name',
    ],
    ['a bad operator', { default: { tags: { _op: 'add', values: [] } } }, 'invalid_property', '.default.tags'],
    ['a block that is no object', { default: [] }, 'invalid_item', '.default'],
    ['a list id that is no UUID', { list: { x: {} } }, 'invalid_item', '.list.x'],
    ['an unknown field', { defualt: {} }, 'invalid_item', '.defualt'],
  ];

  it.each(cases)('%s', async (_, patch, code, field) => {
    const [id, neighbor] = [await api.caller.create(acme), await api.caller.create(acme)];
    const { body } = await api.caller.update([
      { id, ...patch },
      { id: neighbor, default: { name: 'Fine' } },
    ]);
    expect(body.results[0]).toMatchObject({ id, status: 'error', error: { code, retryable: false } });
    expect(body.results[0].error.errors[0].field).toContain(field);
    expect(body.results[1].status).toBe('ok');
    expect((await api.caller.read(id)).version).toBe(1);
  });

  it('an item over the limit is too_large, the others are applied', async () => {
    const id = await api.caller.create(acme);
    const { body } = await api.caller.update([
      { id, default: { notes: 'x'.repeat(262_144) } },
      { id, default: { notes: 'y'.repeat(200_000) } },
    ]);
    expect(body.results.map((result: any) => result.error?.code ?? 'ok')).toEqual(['too_large', 'ok']);
  });

  it('an item whose record would exceed the limit is too_large and changes nothing', async () => {
    const id = await api.caller.create(acme);
    const grow = Array.from({ length: 4 }, (_, n) => ({ id, extended: { [`part${n}`]: 'x'.repeat(200_000) } }));
    const { body } = await api.caller.update(grow, { return: 'minimal' }, { 'idempotency-key': 'grow' });
    expect(body.results.map((result: any) => result.error?.code ?? 'ok')).toEqual([
      'ok',
      'ok',
      'too_large',
      'too_large',
    ]);
    expect((await api.caller.read(id)).version).toBe(3);
    const patch = await api.caller.call('PATCH', api.caller.path(`organization/${id}`), {
      body: grow[3] && { extended: grow[3].extended },
    });
    expect([patch.status, patch.body.error.code]).toEqual([413, 'payload_too_large']);
  });
});

describe('not_found is the same for', () => {
  it('a missing record, a deleted one, another type and another team', async () => {
    const other = await api.gateway.newCaller();
    const deleted = await api.caller.create(acme);
    await api.caller.call('POST', api.caller.path('organization/batch/delete'), { body: { ids: [deleted] } });
    const ids = [
      randomUUID(),
      deleted,
      await api.caller.create({ default: { name: 'D' } }, 'deal'),
      await other.create(acme),
    ];
    const { body } = await api.caller.update(ids.map((id) => ({ id, default: { name: 'Mine' } })));
    const errors = new Set(body.results.map((result: any) => JSON.stringify(result.error)));
    expect(errors.size).toBe(1);
    expect(body.results[0].error.code).toBe('not_found');
  });
});

describe('options', () => {
  it.each([null, {}, { on_error: null, return: null, dry_run: null }])('%j mean the defaults', async (options) => {
    const id = await api.caller.create();
    const { status, body } = await api.caller.update([{ id, default: { name: 'B' } }], options);
    expect(status).toBe(200);
    expect(body.results[0]).toMatchObject({ status: 'ok', record: { default: { name: 'B' } } });
  });

  it('return: minimal omits the record', async () => {
    const id = await api.caller.create(acme);
    const { body } = await api.caller.update([{ id, default: { name: 'Min' } }], { return: 'minimal' });
    expect(body.results[0]).toEqual({ id, status: 'ok', effect: 'updated', etag: etagOf(2) });
  });

  it('on_error: stop executes no item after the first failure', async () => {
    const [id, later] = [await api.caller.create(acme), await api.caller.create(acme)];
    const { body } = await api.caller.update(
      [{ id, default: { name: 'Done' } }, { id: 'bad' }, { id: later, default: { name: 'No' } }],
      {
        on_error: 'stop',
      },
    );
    expect(body.results.map((result: any) => result.error?.code ?? 'ok')).toEqual([
      'ok',
      'invalid_item',
      'not_attempted',
    ]);
    expect((await api.caller.read(later)).version).toBe(1);
  });

  it('on_error: rollback changes nothing if any item fails', async () => {
    const [first, second] = [await api.caller.create(acme), await api.caller.create(acme)];
    const items = [
      { id: second, default: { name: 'B' } },
      { id: randomUUID(), default: { name: 'X' } },
      { id: first, default: { name: 'A' } },
    ];
    const { status, body } = await api.caller.update(items, { on_error: 'rollback' });
    expect(status).toBe(200);
    expect(body.results.map((result: any) => result.error.code)).toEqual(['rolled_back', 'not_found', 'rolled_back']);
    // A retry of the same request cannot succeed: not_found is final.
    expect(body.results[0].error.retryable).toBe(false);
    expect([(await api.caller.read(first)).version, (await api.caller.read(second)).version]).toEqual([1, 1]);
  });

  it('on_error: rollback applies all items if none fails', async () => {
    const ids = [await api.caller.create(acme), await api.caller.create(acme), await api.caller.create(acme)];
    const { body } = await api.caller.update(
      ids.map((id) => ({ id, default: { name: 'All' } })),
      { on_error: 'rollback' },
    );
    expect(body.summary).toEqual({ total: 3, succeeded: 3, failed: 0 });
    expect(body.results.map((result: any) => result.id)).toEqual(ids);
  });

  it('dry_run returns the results without changing anything', async () => {
    const id = await api.caller.create(acme);
    const { body } = await api.caller.update(
      [{ id, default: { name: 'Once' } }, { id, default: { location: 'Twice' } }, { id: randomUUID() }],
      { dry_run: true },
    );
    expect(body.results).toMatchObject([
      { status: 'ok', etag: etagOf(2) },
      { status: 'ok', etag: etagOf(3), record: { default: { name: 'Once', location: 'Twice' } } },
      { error: { code: 'not_found' } },
    ]);
    expect(await api.caller.read(id)).toMatchObject({ version: 1, record: { default: { name: 'Acme' } } });
  });
});
