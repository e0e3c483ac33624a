import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { etagOf } from '../../support/etags';
import { useGateway } from '../../support/gateway.hooks';

const api = useGateway();

const key = (): Record<string, string> => ({ 'idempotency-key': randomUUID() });

function codesOf(body: any): string[] {
  return body.results.map((result: any) => result.error?.code ?? result.effect);
}

describe('effect', () => {
  it('is updated for a change, and unchanged for an item with only an id, alone and in a batch', async () => {
    const id = await api.caller.create();
    for (const headers of [{}, key()]) {
      const { body } = await api.caller.update([{ id }, { id, default: { name: 'New' } }], undefined, headers);
      expect(codesOf(body)).toEqual(['unchanged', 'updated']);
      for (const item of [{ id }, { id, default: { name: 'New' } }]) {
        const alone = await api.caller.update([item], undefined, 'idempotency-key' in headers ? key() : {});
        expect(codesOf(alone.body)).toEqual(['default' in item ? 'updated' : 'unchanged']);
      }
    }
  });
});

describe('ref', () => {
  it('is repeated in the result, also of an item that fails', async () => {
    const id = await api.caller.create();
    const items = [
      { ref: 'row 1', id, default: { name: 'New' } },
      { ref: '', id: 'no uuid' },
      { ref: '😀'.repeat(64), id: randomUUID() },
      { ref: 'quote " \u2028', id, default: { employees: 'many' } },
      { id },
    ];
    const refs = items.map(({ ref }) => ref);
    for (const headers of [{}, key()]) {
      for (const options of [undefined, { on_error: 'rollback' }, { dry_run: true }, { return: 'minimal' }]) {
        const own = 'idempotency-key' in headers ? key() : {};
        const { body } = await api.caller.update(items, options, own);
        expect(body.results.map((result: any) => result.ref)).toEqual(refs);
      }
    }
    const alone = await api.caller.update([{ ref: 'only', id, default: { name: 'New' } }]);
    expect(alone.body.results[0]).toMatchObject({ ref: 'only', effect: 'updated' });
  });

  it('is replayed, and is in the receipt', async () => {
    const id = await api.caller.create();
    const headers = key();
    const items = [
      { ref: 'a', id, default: { name: 'New' } },
      { ref: 'b', id: randomUUID() },
    ];
    const first = await api.caller.update(items, undefined, headers);
    const second = await api.caller.update(items, undefined, headers);
    expect([second.text, second.headers['idempotent-replay']]).toEqual([first.text, 'true']);
    const receipt = await api.caller.call('GET', api.caller.path(`receipts/${headers['idempotency-key'] ?? ''}`));
    expect(receipt.body.results).toEqual(first.body.results);
    const other = await api.caller.update([{ ...items[0], ref: 'c' }, items[1]], undefined, headers);
    expect([other.status, other.body.error.code]).toEqual([409, 'idempotency_key_mismatch']);
  });

  it.each([['x'.repeat(65)], [1], [null], ['a\0b'], ['\ud800']])(
    'that is not valid is an item error: %j',
    async (ref) => {
      const id = await api.caller.create();
      const { body } = await api.caller.update([{ ref, id, default: { name: 'New' } }]);
      expect(body.results[0]).toEqual({
        id,
        status: 'error',
        error: expect.objectContaining({ code: 'invalid_item', errors: [expect.objectContaining({ field: '.ref' })] }),
      });
      expect((await api.caller.read(id)).version).toBe(1);
    },
  );
});

describe('skip_unchanged', () => {
  const options = { skip_unchanged: true };
  const content = { default: { name: 'Acme', employees: 5, tags: ['a', 'b'] }, extended: { a: { b: 1 } } };

  it.each([
    ['equal values', { default: { name: 'Acme', employees: 5 } }],
    ['an equal list', { default: { tags: ['a', 'b'] } }],
    ['clearing what is not there', { default: { location: null } }],
    ['appending what is there', { default: { tags: { _op: 'append', values: ['b'] } } }],
    ['an increment by 0', { default: { employees: { _op: 'increment', by: 0 } } }],
    ['an equal member of extended', { extended: { a: { b: 1 } } }],
  ])('writes nothing for %s', async (_, change) => {
    const id = await api.caller.create(content);
    const before = await api.caller.read(id);
    for (const headers of [{}, key()]) {
      for (const items of [[{ id, ...change }], [{ id, ...change }, { id: 'x' }]]) {
        const own = 'idempotency-key' in headers ? key() : {};
        const { body } = await api.caller.update(items, options, own);
        expect(body.results[0]).toEqual({
          id,
          ...{ status: 'ok', effect: 'unchanged', etag: before.etag, record: before.record },
        });
      }
    }
    expect(await api.caller.read(id)).toEqual(before);
  });

  it('applies what changes something', async () => {
    const id = await api.caller.create(content);
    const items = [
      { id, default: { name: 'Acme', employees: 6 } },
      { id, default: { tags: ['b', 'a'] } },
      { id, extended: { a: { b: 2 } } },
    ];
    const { body } = await api.caller.update(items, options);
    expect(body.results).toMatchObject([2, 3, 4].map((version) => ({ effect: 'updated', etag: etagOf(version) })));
  });

  it('does not hide a condition that does not hold, or a missing record', async () => {
    const id = await api.caller.create(content);
    const items = [
      { id, if_match: '"7-0"', default: { name: 'Acme' } },
      { id: randomUUID(), default: { name: 'A' } },
    ];
    const { body } = await api.caller.update(items, options);
    expect(codesOf(body)).toEqual(['precondition_failed', 'not_found']);
  });

  it('writes a change once when two callers send it at once', async () => {
    const id = await api.caller.create(content);
    const items = [{ id, default: { employees: 7 } }, { id: 'x' }];
    const responses = await Promise.all(Array.from({ length: 8 }, () => api.caller.update(items, options)));
    const effects = responses.map(({ body }) => body.results[0].effect).sort();
    expect(effects).toEqual([...Array<string>(7).fill('unchanged'), 'updated']);
    expect((await api.caller.read(id)).version).toBe(2);
  });
});

describe('max_failures', () => {
  it('ends the batch after this many failures', async () => {
    const id = await api.caller.create();
    const ok = { id, default: { name: 'New' } };
    const items = [{ id: 'x' }, ok, { id: randomUUID() }, ok, ok];
    for (const [max, expected] of [
      [1, ['invalid_item', 'not_attempted', 'not_attempted', 'not_attempted', 'not_attempted']],
      [2, ['invalid_item', 'updated', 'not_found', 'not_attempted', 'not_attempted']],
      [3, ['invalid_item', 'updated', 'not_found', 'updated', 'updated']],
    ] as const) {
      for (const own of [{}, key()]) {
        const { body } = await api.caller.update(items, { max_failures: max }, own);
        expect(codesOf(body)).toEqual(expected);
        const last = body.results.at(-1).error;
        // Without a key the ledger has no say: not_attempted is final because the failures are.
        if (max < 3) expect(last).toMatchObject({ code: 'not_attempted', retryable: false });
        const dry = await api.caller.update(items, { max_failures: max, dry_run: true });
        expect(codesOf(dry.body)).toEqual(expected);
      }
    }
  });
});
