import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { readSettings } from '#libs/config';
import { Cancellation } from '#libs/database';
import { Deadline } from '#libs/limits';
import { PropertyDefinitionRepository, PropertyDefinitionService } from '#libs/properties';
import {
  CursorCodec,
  FilterParser,
  type PlanItem,
  QueryFields,
  RecordQueryRepository,
  sortOrderOf,
} from '#libs/records';
import { batch, codesOf, Engine, idsOf } from '../support/engine';
import { Random } from '../support/random';

const WRITERS = 8;
const STABLE = 200;
/** Creations of one writer: with more, a traversal in the order of creation would never end. */
const CREATIONS = 40;

let engine: Engine;
let queries: RecordQueryRepository;
let fields: QueryFields;
const teamId = randomUUID();
/** Records whose filter and sort values do not change. */
let stable: string[];

beforeAll(async () => {
  engine = await Engine.start();
  const settings = readSettings({ DATABASE_URL: engine.url });
  queries = new RecordQueryRepository(engine.database, engine.database, settings);
  const properties = new PropertyDefinitionService(new PropertyDefinitionRepository(engine.database), settings);
  fields = new QueryFields(await properties.definitionsOf(teamId, 'organization'), undefined);
  stable = await engine.insert(teamId, STABLE);
  // Ties, records without a value, and equal times of creation.
  await engine.session.query(
    `UPDATE records AS r
        SET created_at = now() - (n / 7) * interval '1 ms',
            properties = jsonb_strip_nulls(jsonb_build_object('name', 'Stable ' || n % 13, 'employees', NULLIF(n % 5, 0), 'stage', 'won'))
       FROM unnest($2::uuid[]) WITH ORDINALITY AS record (id, n) WHERE r.team_id = $1 AND r.id = record.id`,
    [teamId, stable],
  );
});
afterAll(() => engine.close());

/** Applies batches until it is stopped: other records come, move in every order and go; of the stable ones, `notes` changes. */
class Writer {
  private stopped = false;
  private readonly own: string[] = [];
  private created = 0;
  batches = 0;
  readonly codes = new Set<string>();
  private readonly work: Promise<void>;

  constructor(private readonly random: Random) {
    this.work = this.run();
  }

  async stop(): Promise<void> {
    this.stopped = true;
    await this.work;
  }

  private async run(): Promise<void> {
    while (!this.stopped) {
      const items = Array.from({ length: 20 }, () => this.item());
      for (const code of codesOf(await engine.apply(batch(teamId, items)))) this.codes.add(code);
      this.batches += 1;
    }
  }

  private item(): PlanItem {
    const { random, own } = this;
    const properties = {
      name: `Other ${random.integer(0, 20)}`,
      employees: random.integer(0, 6),
      stage: random.pick(['won', 'lost']),
    };
    const choice = random.next();
    if (this.created < CREATIONS && (own.length < 5 || choice < 0.2)) {
      this.created += 1;
      const id = randomUUID();
      own.push(id);
      return { op: 'create', id, properties, list: {}, extended: {} };
    }
    if (choice < 0.3 && own.length > 1)
      return { op: 'delete', id: own.splice(random.integer(0, own.length - 1), 1)[0] ?? '' };
    if (choice < 0.7) return { op: 'update', id: random.pick(own), set: properties };
    return { op: 'update', id: random.pick(stable), set: { notes: `changed ${random.integer(0, 999)}` } };
  }
}

/** Calls `each` with every id of all pages, in order. */
async function traverse(sort: object[], deleted: boolean, afterPage: () => Promise<void>): Promise<string[]> {
  const condition = new FilterParser(fields).parse([{ stage: { '=': 'won' } }], 'all', '');
  const filter = { teamId, objectType: 'organization' as const, fields, condition, ids: undefined, deleted };
  const order = sortOrderOf(sort, fields, '');
  const codec = new CursorCodec(filter, order);
  const ids: string[] = [];
  let after: readonly (string | null)[] | undefined;
  do {
    const options = { deadline: Deadline.in(20_000), cancellation: new Cancellation() };
    const query = { ...filter, selection: ['notes'], order, limit: 10, after, offset: 0 };
    const page = await queries.page(queries.compile(query), options);
    ids.push(...idsOf(page));
    after = page.next && codec.decode(codec.encode({ limit: 10, values: page.next }), '').values;
    await afterPage();
  } while (after !== undefined);
  return ids;
}

it.each([
  ['the default order', [], false],
  ['the oldest first', [{ created_at: 'asc' }], false],
  ['an order with ties and records without a value', [{ employees: 'asc' }], false],
  ['an order of mixed directions', [{ name: 'desc' }, { employees: 'asc' }], false],
  ['deleted records, too', [], true],
])('skips and repeats no unchanged record while 8 writers run: %s', { timeout: 60_000 }, async (_, sort, deleted) => {
  const undisturbed = (await traverse(sort, deleted, () => Promise.resolve())).filter((id) => stable.includes(id));
  expect(undisturbed).toHaveLength(STABLE);
  const writers = Array.from({ length: WRITERS }, (__, n) => new Writer(new Random(n + 1)));
  const batches = (): number => writers.reduce((sum, writer) => sum + writer.batches, 0);
  // Every page is read after further batches were applied.
  const afterFurtherBatches = async (): Promise<void> => {
    const before = batches();
    while (batches() < before + 2) await new Promise(setImmediate);
  };
  // The newest records come first in some orders: the first page must have some of the writers', too.
  while (writers.some((writer) => writer.batches === 0)) await new Promise(setImmediate);
  const ids = await traverse(sort, deleted, afterFurtherBatches).finally(() =>
    Promise.all(writers.map((writer) => writer.stop())),
  );
  const kept = ids.filter((id) => stable.includes(id));
  expect(kept).toEqual(undisturbed);
  expect(ids.length).toBeGreaterThan(STABLE);
  expect(new Set(writers.flatMap(({ codes }) => [...codes]))).toEqual(new Set(['ok']));
});
