import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type {
  ReceivedResponse,
  RequestedItem,
  RequestHistory,
  RoundHistory,
  StoredOutcome,
  StoredRecord,
} from '../history';
import { elementsOf } from '../json.elements';
import { checkRound } from './exactly-once.checker';

const A = '00000000-0000-4000-8000-00000000000a';
const B = '00000000-0000-4000-8000-00000000000b';
const clientId = '00000000-0000-4000-8000-0000000000c1';

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
const patch = (id: string, name: string, ifMatch?: number): RequestedItem => ({
  type: 'patch',
  id,
  set: { name },
  ...(ifMatch !== undefined && { ifMatch }),
});

/** An entry of an applied item, as the gateway writes it. */
function applied(id: string, version: number, name?: string): string {
  const record = name === undefined ? '' : `, "record": {"id": "${id}", "default": {"name": "${name}"}, "list": {}}`;
  return `{"id": "${id}", "status": "ok", "etag": "\\"${version}-1\\""${record}}`;
}

function failed(id: string, code: string): string {
  return `{"id": "${id}", "status": "error", "error": {"code":"${code}","message":"No.","retryable":${code === 'locked'}}}`;
}

function marked(entry: string): string {
  return `${entry.slice(0, -1)}, "replayed": true}`;
}

function response(entries: string[], replay = false): ReceivedResponse {
  const body = `{"results": [${entries.join(', ')}], "summary": {"total": ${entries.length}}}`;
  return { status: 200, etag: undefined, location: undefined, replay, body };
}

interface Sent {
  key: string;
  items: RequestedItem[];
  /** Each with the times of its start and end. */
  attempts: [outcome: ReceivedResponse | string, from?: number, to?: number][];
  canceled?: boolean;
  onError?: RequestHistory['onError'];
  operation?: RequestHistory['operation'];
}

/** A round on the records A and B, with the final rows. */
function round(requests: Sent[], records: Partial<StoredRecord>[], ledger: Record<string, string[]>): RoundHistory {
  const outcomes = Object.entries(ledger).flatMap(([key, entries]) =>
    entries.map((entry, index): StoredOutcome => {
      const code = /"code":"(\w+)"/.exec(entry)?.[1] ?? null;
      return { keyHash: sha256(key), clientId, item: index + 1, code, entry };
    }),
  );
  return {
    seeded: [A, B].map((id) => ({ id, name: 'seed' })),
    requests: requests.map(({ key, attempts, ...sent }) => ({
      ...{ key, keyHash: sha256(key), clientId, operation: 'update', onError: 'continue', canceled: false },
      ...sent,
      attempts: attempts.map(([outcome, invokedAt = 0, endedAt = 100]) => ({
        gateway: 0,
        invokedAt,
        endedAt,
        outcome,
      })),
    })),
    imports: [],
    final: {
      records: [A, B].map((id, index) => {
        const blank = { id, version: 1, deleted: false, name: 'seed', notes: null, marker: null, sum: 0 };
        return { ...blank, ...records[index] };
      }),
      outcomes,
      settled: [],
      requests: requests.map(({ key }) => ({ keyHash: sha256(key), clientId, complete: true })),
    },
  };
}

const rulesOf = (history: RoundHistory): string[] => checkRound(history).violations.map(({ rule }) => rule);

describe('a history without violations', () => {
  it('applies each item once, including items without a response', () => {
    const entry = applied(A, 2, 'one');
    const { violations, figures } = checkRound(
      round(
        [
          {
            key: 'k1',
            items: [patch(A, 'one'), patch(B, 'two')],
            attempts: [
              ['reset'],
              [response([entry, failed(B, 'locked')]), 110, 120],
              [response([marked(entry), applied(B, 2, 'two')]), 130, 140],
              [response([entry, applied(B, 2, 'two')], true), 150, 160],
            ],
          },
          { key: 'k2', items: [patch(A, 'three')], attempts: [['reset', 200, 210]], canceled: true },
        ],
        [
          { version: 3, name: 'three' },
          { version: 2, name: 'two' },
        ],
        { k1: [entry, applied(B, 2, 'two')], k2: [applied(A, 3)] },
      ),
    );
    expect(violations).toEqual([]);
    expect(figures).toMatchObject({
      ...{ requests: 2, items: 3, attempts: 5, retries: 3, withoutResponse: 2, resumedItems: 1, fullReplays: 1 },
      ...{ appliedItems: 3, unknownItems: 1, lost: 0, duplicated: 0 },
    });
  });

  it('can have items that were never executed after on_error stop', () => {
    const stopped = [failed(A, 'not_found'), failed(B, 'not_attempted')];
    const history = round(
      [
        {
          key: 'k',
          items: [{ type: 'rejection', id: A, code: 'not_found' }, patch(B, 'x')],
          attempts: [[response(stopped)]],
          onError: 'stop',
        },
      ],
      [],
      { k: stopped },
    );
    expect(rulesOf(history)).toEqual([]);
  });
});

describe('the checker detects', () => {
  const one: Sent = { key: 'k1', items: [patch(A, 'one')], attempts: [[response([applied(A, 2, 'one')])]] };
  const ledger = { k1: [applied(A, 2, 'one')] };

  it('an acknowledged item that is missing', () => {
    expect(rulesOf(round([one], [{}], ledger))).toContain('lost');
  });

  it('an acknowledged item whose version was produced again by another item', () => {
    const two: Sent = { key: 'k2', items: [patch(A, 'two')], attempts: [[response([applied(A, 2, 'two')]), 200, 210]] };
    const history = round([one, two], [{ version: 2, name: 'two' }], { k2: [applied(A, 2, 'two')] });
    expect(rulesOf(history)).toContain('lost');
  });

  it('a missing value, although the version is right', () => {
    expect(rulesOf(round([one], [{ version: 2, name: 'seed' }], ledger))).toEqual(['lost']);
  });

  it('an item that was applied twice', () => {
    const history = round([one], [{ version: 3, name: 'one' }], ledger);
    expect(checkRound(history).figures).toMatchObject({ lost: 0, duplicated: 1 });
  });

  it('an outcome that is not in the ledger', () => {
    expect(rulesOf(round([one], [{ version: 2, name: 'one' }], {}))).toEqual(['ledger-differs']);
  });

  it('an outcome in the ledger that was not requested', () => {
    const history = round([one], [{ version: 2, name: 'one' }], { ...ledger, other: [applied(B, 2)] });
    expect(rulesOf(history)).toEqual(['ledger-differs']);
  });

  it('a final response to a request that is not complete in the ledger', () => {
    const history = round([one], [{ version: 2, name: 'one' }], ledger);
    for (const request of history.final.requests) request.complete = false;
    expect(rulesOf(history)).toEqual(['ledger-differs']);
  });

  it('two outcomes of one item, if only one byte differs', () => {
    const other = applied(A, 2, 'one').replace('"list": {}', '"list":{}');
    const twice: Sent = { ...one, attempts: [...one.attempts, [response([marked(other)]), 110, 120]] };
    expect(rulesOf(round([twice], [{ version: 2, name: 'one' }], ledger))).toContain('replay-differs');
  });

  it('a replayed response with marks', () => {
    const twice: Sent = {
      ...one,
      attempts: [...one.attempts, [response([marked(applied(A, 2, 'one'))], true), 110, 120]],
    };
    expect(rulesOf(round([twice], [{ version: 2, name: 'one' }], ledger))).toEqual(['replay-differs']);
  });

  it('a value that was never current', () => {
    const stale: Sent = {
      key: 'k2',
      items: [{ type: 'patch', id: A, set: { notes: 'n' } }],
      // Shows a name that version 2 replaced.
      attempts: [[response([applied(A, 3, 'seed')]), 200, 210]],
    };
    const history = round([one, stale], [{ version: 3, name: 'one', notes: 'n' }], {
      ...ledger,
      k2: [applied(A, 3, 'seed')],
    });
    expect(rulesOf(history)).toEqual(['out-of-order']);
  });

  it('an order of versions that contradicts the order of responses and requests', () => {
    const late: Sent = { key: 'k2', items: [patch(A, 'two')], attempts: [[response([applied(A, 2)]), 200, 210]] };
    const early: Sent = { key: 'k1', items: [patch(A, 'one')], attempts: [[response([applied(A, 3)]), 0, 100]] };
    const entries = { k1: [applied(A, 3)], k2: [applied(A, 2)] };
    expect(rulesOf(round([early, late], [{ version: 3, name: 'one' }], entries))).toEqual(['out-of-order']);
  });

  it('a change after a deletion', () => {
    const deletion: Sent = {
      key: 'k1',
      operation: 'delete',
      items: [{ type: 'delete', id: A }],
      attempts: [[response([applied(A, 2)])]],
    };
    const after: Sent = { key: 'k2', items: [patch(A, 'two')], attempts: [[response([applied(A, 3)])]] };
    const history = round([deletion, after], [{ version: 3, name: 'two', deleted: true }], {
      k1: [applied(A, 2)],
      k2: [applied(A, 3)],
    });
    expect(rulesOf(history)).toContain('out-of-order');
  });

  it('not_found for a record that was not deleted', () => {
    const missing: Sent = { key: 'k1', items: [patch(A, 'one')], attempts: [[response([failed(A, 'not_found')])]] };
    expect(rulesOf(round([missing], [], { k1: [failed(A, 'not_found')] }))).toEqual(['impossible-outcome']);
  });

  it('precondition_failed although the condition held throughout', () => {
    const entry = failed(A, 'precondition_failed');
    const unmet: Sent = { key: 'k2', items: [patch(A, 'two', 2)], attempts: [[response([entry]), 200, 210]] };
    const history = round([one, unmet], [{ version: 2, name: 'one' }], { ...ledger, k2: [entry] });
    expect(rulesOf(history)).toEqual(['impossible-outcome']);
  });

  it('a conditional change that was applied to another version', () => {
    const met: Sent = { key: 'k1', items: [patch(A, 'one', 7)], attempts: [[response([applied(A, 2, 'one')])]] };
    expect(rulesOf(round([met], [{ version: 2, name: 'one' }], ledger))).toEqual(['impossible-outcome']);
  });

  it('a rollback that was applied in part', () => {
    const entries = [applied(A, 2), failed(B, 'not_found')];
    const torn: Sent = {
      key: 'k1',
      onError: 'rollback',
      items: [patch(A, 'one'), { type: 'rejection', id: B, code: 'not_found' }],
      attempts: [[response(entries)]],
    };
    expect(rulesOf(round([torn], [{ version: 2, name: 'one' }], { k1: entries }))).toEqual(['impossible-outcome']);
  });

  it('a create that produced two records or none', () => {
    const body = `{"id":"${A}","default":{"name":"n"},"list":{}}`;
    const creation: Sent = {
      key: 'k1',
      operation: 'create',
      items: [{ type: 'create', marker: 'm', set: { name: 'n' } }],
      attempts: [[{ status: 201, etag: '"1-1"', location: '/', replay: false, body }]],
    };
    const entry = applied(A, 1).replace('}', `, "record": ${body}}`);
    const made = round([creation], [{ name: 'n', marker: 'm' }], { k1: [entry] });
    made.seeded = [{ id: B, name: 'seed' }];
    expect(rulesOf(made)).toEqual([]);
    made.final.records = made.final.records.map((record) => ({ ...record, marker: 'm' }));
    expect(rulesOf(made)).toEqual(['duplicated']);
    made.final.records = made.final.records.filter(({ id }) => id === B).map((record) => ({ ...record, marker: null }));
    expect(rulesOf(made)).toContain('lost');
  });

  it('an increment that counted twice, or not at all', () => {
    const entry = applied(A, 2);
    const item: RequestedItem = { type: 'patch', id: A, set: {}, by: 5 };
    const sent: Sent = { key: 'k1', items: [item, patch(B, 'two')], attempts: [[response([entry, applied(B, 2)])]] };
    const history = (sum: number): RoundHistory =>
      round(
        [sent],
        [
          { version: 2, sum },
          { version: 2, name: 'two' },
        ],
        { k1: [entry, applied(B, 2)] },
      );
    expect(rulesOf(history(5))).toEqual([]);
    expect(rulesOf(history(10))).toEqual(['duplicated']);
    expect(rulesOf(history(0))).toEqual(['lost']);
  });

  it('a request without a final response', () => {
    const silent: Sent = { key: 'k1', items: [patch(A, 'one')], attempts: [['reset']] };
    expect(rulesOf(round([silent], [], {}))).toEqual(['no-response']);
  });

  it.each([
    [500, '{"error": {"code": "internal"}}'],
    [409, '{"error": {"code": "idempotency_key_mismatch"}}'],
    [200, '{"results": []}'],
    [200, '{"results": [{"id"'],
  ])('a response that a correct caller never gets: %i %s', (status, body) => {
    const odd: Sent = {
      key: 'k1',
      items: [patch(A, 'one')],
      attempts: [[{ status, etag: undefined, location: undefined, replay: false, body }]],
    };
    expect(rulesOf(round([odd], [], {}))).toEqual(['unexpected-response']);
  });
});

describe('an item that was applied by an attempt that did not store its outcome', () => {
  const rest = failed(B, 'invalid_property');

  /** A batch with a patch of A whose second attempt responds with the given entry for A. */
  function resumed(key: string, name: string, entry: string, [from, to]: [number, number] = [0, 100]): Sent {
    return {
      key,
      items: [patch(A, name), { type: 'rejection', id: B, code: 'invalid_property' }],
      attempts: [
        ['reset', from, from + 10],
        [response([marked(entry), rest]), from + 20, to],
      ],
    };
  }

  /** A patch of A whose only attempt responds with the given version. */
  function single(key: string, name: string, version: number, [from, to]: [number, number] = [0, 100]): Sent {
    return { key, items: [patch(A, name)], attempts: [[response([applied(A, version, name)]), from, to]] };
  }

  /** The rules that a round with these requests violates, with a ledger that agrees with the responses. */
  function rulesFor(requests: Sent[], record: Partial<StoredRecord>): string[] {
    const ledger = requests.map(({ key, attempts }): [string, string[]] => {
      const last = attempts.at(-1)?.[0];
      const body = typeof last === 'object' ? last.body.replaceAll(', "replayed": true', '') : '';
      return [key, elementsOf(body, body.indexOf('['))];
    });
    return rulesOf(round(requests, [record], Object.fromEntries(ledger)));
  }

  it('can show a later version', () => {
    const requests = [resumed('k1', 'one', applied(A, 3, 'two')), single('k2', 'two', 3)];
    expect(rulesFor(requests, { version: 3, name: 'two' })).toEqual([]);
  });

  it('can show the same version as another such item, in either order', () => {
    for (const name of ['one', 'two']) {
      const entry = applied(A, 3, name);
      const requests = [resumed('k1', 'one', entry), resumed('k2', 'two', entry)];
      expect(rulesFor(requests, { version: 3, name })).toEqual([]);
    }
  });

  it('can show no version of a record that was deleted since', () => {
    const gone = `{"id": "${A}", "status": "ok"}`;
    const deletion: Sent = {
      key: 'k2',
      operation: 'delete',
      items: [{ type: 'delete', id: A }],
      attempts: [[response([applied(A, 3)]), 30, 60]],
    };
    const requests = [resumed('k1', 'one', gone), deletion];
    expect(rulesFor(requests, { version: 3, name: 'one', deleted: true })).toEqual([]);
    expect(rulesFor(requests.slice(0, 1), { version: 2, name: 'one' })).toEqual(['out-of-order']);
  });

  it('cannot take the version of an item that shows its own', () => {
    const requests = [resumed('k1', 'one', applied(A, 2, 'two')), single('k2', 'two', 2)];
    expect(rulesFor(requests, { version: 2, name: 'two' })).toEqual(['lost']);
  });

  it('cannot take the version of a conditional change', () => {
    const entry = applied(A, 3, 'two');
    const conditional = resumed('k1', 'one', entry);
    conditional.items[0] = patch(A, 'one', 1);
    const requests = [conditional, resumed('k2', 'two', entry), resumed('k3', 'three', applied(A, 2, 'one'))];
    expect(rulesFor(requests, { version: 3, name: 'two' })).toEqual(['lost']);
  });

  it('does not explain an item of a single attempt that shows the version of another one', () => {
    const [first, second] = [single('k1', 'one', 3), single('k2', 'two', 3)];
    expect(rulesFor([first, second], { version: 3, name: 'two' })).toEqual(['lost', 'duplicated']);
    // Nor does a retry that is sent later, here for the item that was locked.
    const locked = response([applied(A, 3, 'one'), failed(B, 'locked')]);
    const late = resumed('k1', 'one', applied(A, 3, 'one'), [200, 300]);
    late.attempts[0] = [locked, 0, 100];
    expect(rulesFor([late, second], { version: 3, name: 'two' })).toEqual(['lost', 'duplicated']);
  });

  it('does not hide a lost item', () => {
    const entry = applied(A, 3, 'two');
    const requests = [resumed('k1', 'one', entry), resumed('k2', 'two', entry), single('k3', 'three', 2)];
    expect(rulesFor(requests, { version: 3, name: 'two' })).toEqual(['lost']);
  });

  it('does not hide a lost value', () => {
    const entry = `{"id": "${A}", "status": "ok", "etag": "\\"3-1\\""}`;
    const requests = [resumed('k1', 'one', entry), resumed('k2', 'two', entry)];
    expect(rulesFor(requests, { version: 3, name: 'seed' })).toEqual(['lost']);
  });

  it('does not hide an item that was applied twice', () => {
    const entry = applied(A, 4, 'two');
    const requests = [resumed('k1', 'one', entry), resumed('k2', 'two', entry)];
    expect(rulesFor(requests, { version: 4, name: 'two' })).toEqual(['duplicated']);
  });

  it('does not hide that another item was applied in place of a lost one', () => {
    // k1 was applied twice, and k2 never: it shows the second version of k1.
    const entry = applied(A, 3, 'one');
    const requests = [resumed('k1', 'one', entry), resumed('k2', 'two', entry, [200, 300])];
    expect(rulesFor(requests, { version: 3, name: 'one' })).toContain('out-of-order');
  });

  it('does not show a version that was current before its request', () => {
    const before = [single('k1', 'one', 2), single('k2', 'two', 3)];
    const requests = [...before, resumed('k3', 'three', applied(A, 3, 'two'), [200, 300])];
    expect(rulesFor(requests, { version: 4, name: 'three' })).toEqual(['lost', 'duplicated']);
  });

  it('does not show the first version', () => {
    expect(rulesFor([resumed('k1', 'one', applied(A, 1, 'seed'))], { version: 2, name: 'one' })).toContain('lost');
  });

  it('does not show a value that was never current', () => {
    const requests = [resumed('k1', 'one', applied(A, 3, 'seed')), single('k2', 'two', 3)];
    expect(rulesFor(requests, { version: 3, name: 'two' })).toEqual(['out-of-order']);
  });

  it('does not show a version that the record never had', () => {
    expect(rulesFor([resumed('k1', 'one', applied(A, 5, 'one'))], { version: 2, name: 'one' })).toContain('lost');
  });
});

describe('upserts of one value', () => {
  const C = '00000000-0000-4000-8000-00000000000c';
  const D = '00000000-0000-4000-8000-00000000000d';
  const upsert = (name: string, by?: number): RequestedItem => ({
    ...{ type: 'upsert', marker: 'u', set: { name } },
    ...(by !== undefined && { by }),
  });
  const entryOf = (effect: string, id: string, version: number, name: string): string =>
    applied(id, version, name).replace('"ok"', `"ok", "effect": "${effect}"`);
  const created = entryOf('created', C, 1, 'one');
  const updated = entryOf('updated', C, 2, 'two');
  const record = { version: 2, name: 'two', marker: 'u' };

  /** Two batches: the first one creates the record, the second one changes it. */
  function rulesFor(
    records: (Partial<StoredRecord> & { id: string })[],
    [first, second]: [string, string] = [created, updated],
    items: [RequestedItem, RequestedItem] = [upsert('one'), upsert('two')],
  ): string[] {
    const requests: Sent[] = [
      { key: 'k1', items: [items[0]], attempts: [[response([first])]] },
      { key: 'k2', items: [items[1]], attempts: [[response([second]), 200, 210]] },
    ];
    const history = round(requests, [], { k1: [first], k2: [second] });
    const blank = { version: 1, deleted: false, name: null, notes: null, marker: null, sum: 0 };
    history.final.records.push(...records.map((row) => ({ ...blank, ...row })));
    return rulesOf(history);
  }

  it('create one record and change it', () => {
    expect(rulesFor([{ id: C, ...record }])).toEqual([]);
    expect(rulesFor([{ id: C, ...record, sum: 5 }], undefined, [upsert('one', 2), upsert('two', 3)])).toEqual([]);
  });

  it('must not create two records', () => {
    const other = entryOf('created', D, 1, 'two');
    const records = [C, D].map((id) => ({ id, version: 1, name: id === C ? 'one' : 'two', marker: 'u' }));
    expect(rulesFor(records, [created, other])).toEqual(['duplicated', 'duplicated']);
  });

  it('must not be lost', () => {
    expect(rulesFor([])).toContain('lost');
    expect(rulesFor([{ id: C, ...record, version: 1, name: 'one' }])).toContain('lost');
    expect(rulesFor([{ id: D, ...record }])).toContain('lost');
  });

  it('must not be applied twice', () => {
    expect(rulesFor([{ id: C, ...record, version: 3 }])).toEqual(['duplicated']);
    const twice = [{ id: C, ...record, sum: 8 }];
    expect(rulesFor(twice, undefined, [upsert('one', 2), upsert('two', 3)])).toEqual(['duplicated']);
  });

  it('must not fail, and must not show a version that the effect contradicts', () => {
    const several = failed(C, 'multiple_matches').replace(`"${C}"`, 'null');
    expect(rulesFor([{ id: C, ...record, version: 1, name: 'one' }], [created, several])).toEqual([
      'impossible-outcome',
    ]);
    expect(rulesFor([{ id: C, ...record }], [created, updated.replace('updated', 'created')])).toContain(
      'impossible-outcome',
    );
  });

  it('can be shown at a later version by an attempt that finds them applied', () => {
    const later = entryOf('created', C, 2, 'two');
    const history = round(
      [
        {
          key: 'k1',
          items: [upsert('one'), patch(B, 'x')],
          attempts: [['reset'], [response([marked(later), applied(B, 2, 'x')]), 300, 310]],
        },
        { key: 'k2', items: [upsert('two')], attempts: [[response([updated]), 200, 210]] },
      ],
      [{}, { version: 2, name: 'x' }],
      { k1: [later, applied(B, 2, 'x')], k2: [updated] },
    );
    history.final.records.push({ id: C, deleted: false, notes: null, sum: 0, ...record });
    expect(rulesOf(history)).toEqual([]);
  });

  it('are found by their marker if only the ledger knows that they are applied', () => {
    const history = round([{ key: 'k', items: [upsert('one')], attempts: [['reset']], canceled: true }], [], {});
    history.final.settled.push({ keyHash: sha256('k'), clientId, item: 1 });
    expect(rulesOf(history)).toEqual(['ledger-differs']);
    history.final.records.push({ id: C, deleted: false, notes: null, sum: 0, ...record, version: 1, name: 'one' });
    expect(rulesOf(history)).toEqual([]);
  });
});
