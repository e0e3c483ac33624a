import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { useGateway } from '../../support/gateway.hooks';
import { Session } from '../../support/session';

const api = useGateway({ settings: { DATABASE_POOL_SIZE: '20', LOCK_TIMEOUT_MS: '20000' } });

const match = (value: string) => ({ slug: 'primary_domain', value });
const create = (value: string, more: object = {}): Promise<string> =>
  api.caller.create({ default: { name: 'Acme', primary_domain: value, ...more } });

it('updates the one record that has the value, and returns its id', async () => {
  const ids = [await create('one.example'), await create('two.example')];
  const { body } = await api.caller.update([
    { match: match('one.example'), default: { stage: 'won' } },
    { match: match('two.example'), default: { notes: null, location: 'Bern' } },
    { match: match('one.example'), default: { employees: 7 } },
    { match: match('two.example') },
    { match: match('two.example'), default: { primary_domain: 'moved.example' } },
    { match: match('two.example'), default: { stage: 'won' } },
    { match: match('moved.example'), default: { stage: 'lost' } },
  ]);
  expect(body.results.map(({ id }: { id: string }) => id)).toEqual([
    ids[0],
    ids[1],
    ids[0],
    ids[1],
    ids[1],
    null,
    ids[1],
  ]);
  expect(body.results[2].record.default).toMatchObject({ stage: 'won', employees: 7 });
  expect(body.results[5].error).toMatchObject({ code: 'not_found', retryable: false });
  expect(body.results[6].record.default).toMatchObject({
    primary_domain: 'moved.example',
    stage: 'lost',
    location: 'Bern',
  });
});

it('fails if no record or several have the value, or the record has another etag', async () => {
  await create('shared.example');
  const id = await create('shared.example');
  await create('single.example');
  const { etag } = await api.caller.read(id);
  for (const options of [{}, { on_error: 'rollback' }, { dry_run: true }]) {
    for (const [item, code] of [
      [{ match: match('shared.example') }, 'multiple_matches'],
      [{ match: match('none.example') }, 'not_found'],
      [{ match: match('single.example'), if_match: etag }, 'precondition_failed'],
      [
        { match: match('none.example'), if_absent: 'create', if_match: etag, default: { name: 'A' } },
        'precondition_failed',
      ],
      [{ match: match('none.example'), if_absent: 'create', default: { stage: 'won' } }, 'required_property'],
    ] as const) {
      const filler = { match: match('single.example'), default: { stage: 'won' } };
      const { body } = await api.caller.update([item, filler], options);
      expect(body.results[0]).toMatchObject({ id: null, error: { code, retryable: false } });
    }
  }
});

it.each([{}, { on_error: 'stop' }, { dry_run: true }, { on_error: 'rollback' }])(
  'finds what the items before it have set, with the options %j',
  async (options) => {
    const name = randomUUID();
    const value = (n: number): string => `${n}-${name}.example`;
    // Ids in descending order: a batch in one transaction does not apply its items in the order of the ids.
    const [first, second] = [await create(value(1)), await create(value(2))].sort().reverse();
    const { body } = await api.caller.update(
      [
        { id: first, default: { primary_domain: value(3) } },
        { match: match(value(3)), default: { stage: 'lead' } },
        { id: second, default: { primary_domain: value(3) } },
        ...(options.on_error === 'rollback' ? [] : [{ match: match(value(3)), default: { stage: 'won' } }]),
      ],
      options,
    );
    expect(body.results.map(({ id, error }: any) => error?.code ?? id)).toEqual(
      [first, first, second, 'multiple_matches'].slice(0, body.results.length),
    );
  },
);

it('fails if an item before it gives another record the value', async () => {
  await create('given.example');
  const other = await create('other.example');
  const item = { match: match('given.example'), default: { stage: 'won' } };
  const created = { match: match('unrelated.example'), if_absent: 'create', default: { name: 'New' } };
  const { body } = await api.caller.update([
    item,
    created,
    item,
    { id: other, default: { primary_domain: 'given.example' } },
    item,
  ]);
  expect(body.results.map(({ effect, error }: any) => effect ?? error.code)).toEqual([
    ...['updated', 'created', 'updated', 'updated'],
    'multiple_matches',
  ]);
});

it('creates a record with if_absent create, once', async () => {
  const item = {
    match: match('created.example'),
    if_absent: 'create',
    default: { name: 'New', stage: 'won' },
    ref: 'a',
  };
  const { body } = await api.caller.update([item, item, { ...item, default: { stage: 'lost' } }]);
  expect(body.results.map(({ effect, ref }: any) => [effect, ref])).toEqual([
    ['created', 'a'],
    ['updated', 'a'],
    ['updated', 'a'],
  ]);
  expect(new Set(body.results.map(({ id }: any) => id)).size).toBe(1);
  expect(body.results[0].record.default).toMatchObject({ primary_domain: 'created.example', stage: 'won' });
});

it('works in a mixed batch', async () => {
  const items = [
    { op: 'create', default: { name: 'A', primary_domain: 'mixed.example' } },
    { op: 'update', match: match('mixed.example'), default: { stage: 'won' } },
  ];
  const { body } = await api.caller.call('POST', api.caller.path('organization/batch'), { body: { items } });
  expect(body.results[1]).toMatchObject({ id: body.results[0].id, effect: 'updated' });
});

describe('with a key', () => {
  it('is applied exactly once by concurrent attempts, and replayed byte for byte', async () => {
    for (let round = 0; round < 3; round += 1) {
      await create(`keyed-${round}.example`);
      const items = [
        { match: match(`keyed-${round}.example`), default: { employees: { _op: 'increment', by: 1 } } },
        { match: match(`made-${round}.example`), if_absent: 'create', default: { name: 'A' } },
        { match: match(`keyed-${round}.example`), default: { primary_domain: `moved-${round}.example` } },
      ];
      const headers = { 'idempotency-key': randomUUID() };
      const first = await api.caller.update(items, {}, headers);
      const second = await api.caller.update(items, {}, headers);
      expect(first.body.summary.succeeded).toBe(3);
      expect(second.text).toBe(first.text);
      const { body } = await api.caller.call(
        'GET',
        api.caller.path(`organization/by/primary_domain/moved-${round}.example`),
      );
      expect(body.default.employees).toBe(1);
    }
  });

  it('returns the record that a settled item without an outcome was applied to', async () => {
    const id = await create('before.example');
    const other = await create('other.example');
    const items = [
      { match: match('before.example'), default: { primary_domain: 'after.example' } },
      { match: match('new.example'), if_absent: 'create', default: { name: 'New' } },
      { match: match('other.example'), default: { stage: 'won' } },
    ];
    const headers = { 'idempotency-key': randomUUID() };
    const session = await Session.open(api.gateway.databaseUrl);
    // The third item waits until the attempt is canceled: its outcomes are not stored.
    await session.hold(api.caller.teamId, [other]);
    const interrupted = api.caller.update(items, {}, headers);
    await expect.poll(() => session.lockWaiters()).toBe(1);
    for (const backend of await session.waitingBackends()) await session.terminate(backend);
    await interrupted;
    await session.release();
    await session.close();
    // Another record has the value by now.
    await create('before.example');
    const { body } = await api.caller.update(items, {}, headers);
    expect(body.results[0]).toMatchObject({ id, status: 'ok', replayed: true });
    expect(body.results[1]).toMatchObject({ status: 'ok', effect: 'created', replayed: true });
    expect(body.results[1].record.default).toMatchObject({ primary_domain: 'new.example' });
    expect(body.results[2]).toMatchObject({ id: other, status: 'ok' });
    expect((await api.caller.read(id)).version).toBe(2);
  });
});

it('concurrent batches that create the same values make one record of each', async () => {
  const values = Array.from({ length: 10 }, (_, n) => `burst-${n}.example`);
  const send = (order: readonly string[], options: object) =>
    api.caller.update(
      order.map((value) => ({ match: match(value), if_absent: 'create', default: { name: 'A' } })),
      options,
    );
  const responses = await Promise.all(
    Array.from({ length: 12 }, (_, n) =>
      send(n % 2 === 0 ? values : values.toReversed(), n % 3 === 0 ? { on_error: 'rollback' } : {}),
    ),
  );
  const results = responses.flatMap(({ body }) => body.results);
  expect(results.filter(({ effect }) => effect === 'created')).toHaveLength(10);
  for (const value of values) {
    expect((await api.caller.call('GET', api.caller.path(`organization/by/primary_domain/${value}`))).status).toBe(200);
  }
});
