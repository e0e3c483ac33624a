import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readSettings } from '#libs/config';
import {
  type ItemValidator,
  type PropertyDefinition,
  PropertyDefinitionRepository,
  PropertyDefinitionService,
} from '#libs/properties';
import type { LedgerKey } from '#libs/idempotency';
import {
  type AppliedBatch,
  etagConditionOf,
  matchOf,
  type PlanItem,
  planOperations,
  planUpdates,
  planUpsert,
} from '#libs/records';
import { batch, Engine, newKey, retryOf, sha256 } from '../support/engine';
import {
  type BatchDraft,
  type Blocks,
  type IfMatch,
  indexedSlugs,
  type ItemDraft,
  listIds,
  scenario,
  uniqueSlugs,
  type Value,
} from './batch.arbitraries';
import { BatchModel, type ModelItem, type ModelLedger, type ModelResponse } from './batch.model';
import type { ModelRecord } from './record.model';
import { etagOf } from '../support/etags';

const runs = 220;

let engine: Engine;
let validator: ItemValidator;
let definitions: readonly PropertyDefinition[];

beforeAll(async () => {
  engine = await Engine.start();
  const teamId = randomUUID();
  await engine.session.query('INSERT INTO teams (id, name) VALUES ($1, $2)', [teamId, 'A team']);
  await engine.session.query(
    `INSERT INTO property_definitions (team_id, object_type, id, slug, type, name, list_id)
     SELECT $1, 'organization', gen_random_uuid(), slug, type, slug, list_id
       FROM (VALUES ('score', 'num'), ('labels', 'multi_str')) AS property (slug, type), unnest($2::uuid[]) AS list_id`,
    [teamId, listIds],
  );
  await engine.session.query(
    `INSERT INTO property_definitions (team_id, object_type, id, slug, type, name, lookup, lookup_state)
     SELECT $1, 'organization', gen_random_uuid(), slug, type, slug, 'unique', 'ready'
       FROM (VALUES ('rank', 'num'), ('external_id', 'str')) AS property (slug, type)`,
    [teamId],
  );
  const settings = readSettings({ DATABASE_URL: engine.url });
  const properties = new PropertyDefinitionService(new PropertyDefinitionRepository(engine.database), settings);
  validator = await properties.validatorOf(teamId, 'organization');
  definitions = await properties.definitionsOf(teamId, 'organization');
});

afterAll(() => engine.close());

describe('apply_batch', () => {
  it("produces the model's results for generated batches", { timeout: 60_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(scenario, async ({ batches, order }) => {
        const fixture = await Fixture.create();
        const sent = batches.map((draft) => new SentBatch(draft, fixture));
        for (const index of order) await sent[index]?.send();
      }),
      { numRuns: runs },
    );
  });
});

const live: ModelRecord = {
  ...{ objectType: 'organization', properties: { name: 'Acme' } },
  ...{ list: {}, extended: {}, version: 1, deleted: false },
};
/**
 * By target: three live records, two of which have one domain, a deleted one, and one of another type. The next target is a record of
 * another team like the third one, and the last one is missing.
 */
const samples: ModelRecord[] = [
  { ...live, properties: { name: 'Acme', primary_domain: 'a.example', rank: 1 } },
  { ...live, properties: { name: 'Acme', primary_domain: 'a.example', location: 'Oslo' } },
  { ...live, properties: { name: 'Acme', primary_domain: 'b.example', external_id: 'x1' } },
  { ...live, properties: { name: 'Acme', primary_domain: 'c.example', external_id: 'x1', rank: 2 }, deleted: true },
  { ...live, properties: { name: 'Acme', primary_domain: 'b.example', rank: 3 }, objectType: 'contact' },
];

/** The records of one team and one record of another team, in the database and in the model. */
class Fixture {
  readonly teamId = randomUUID();
  readonly otherTeamId = randomUUID();
  readonly model: BatchModel;

  private constructor(readonly ids: readonly string[]) {
    const records = samples.map((record, index) => [ids[index] ?? '', structuredClone(record)] as const);
    this.model = new BatchModel(new Map(records), indexedSlugs, uniqueSlugs);
  }

  static async create(): Promise<Fixture> {
    const fixture = new Fixture(Array.from({ length: 7 }, () => randomUUID()));
    // No two records have the same etag.
    await engine.session.query(
      `INSERT INTO records (team_id, id, object_type, properties, deleted_at, updated_at)
       SELECT CASE place WHEN 6 THEN $2::uuid ELSE $1::uuid END, id, sample ->> 'objectType', sample -> 'properties',
              CASE WHEN (sample -> 'deleted')::boolean THEN now() END, now() - make_interval(secs => place)
         FROM ROWS FROM (unnest($3::uuid[]), jsonb_array_elements($4::jsonb)) WITH ORDINALITY AS r (id, sample, place)
        WHERE place <= 6`,
      [fixture.teamId, fixture.otherTeamId, fixture.ids, JSON.stringify([...samples, samples[2]])],
    );
    await engine.session.query(
      `INSERT INTO record_lookups (team_id, record_id, property_id, value_hash)
       SELECT r.team_id, r.id, p.id, lookup_hash(p.kind, r.properties -> p.slug)
         FROM records AS r
         JOIN unnest($2::uuid[], $3::text[], $4::text[]) AS p (id, slug, kind) ON r.properties ? p.slug
        WHERE r.team_id = ANY ($1) AND r.object_type = 'organization' AND r.deleted_at IS NULL`,
      [
        [fixture.teamId, fixture.otherTeamId],
        indexedSlugs.map((slug) => definitionOf(slug).id),
        indexedSlugs,
        indexedSlugs.map((slug) => (definitionOf(slug).type === 'num' ? 'number' : 'text')),
      ],
    );
    return fixture;
  }

  id(target: number): string {
    return this.ids[target] ?? '';
  }

  async expectTables(): Promise<void> {
    const expected = [...this.model.current].map(([id, { objectType, ...record }]) => [
      id,
      { id, object_type: objectType, ...record },
    ]);
    expect(Object.fromEntries(await engine.stored(this.teamId))).toEqual(Object.fromEntries(expected));
    const lookups = await engine.session.query<{ row: string }>(
      `SELECT record_id || ' ' || property_id || ' ' || encode(value_hash, 'hex') AS row
         FROM record_lookups WHERE team_id = $1`,
      [this.teamId],
    );
    const expectedLookups = this.model.lookupValues.map(
      ({ id, slug, value }) => `${id} ${definitionOf(slug).id} ${sha256(String(value)).toString('hex')}`,
    );
    expect(lookups.map(({ row }) => row).sort()).toEqual(expectedLookups.sort());
    const others = [...(await engine.stored(this.otherTeamId)).values()];
    expect(others).toMatchObject([{ id: this.id(5), version: 1, deleted: false }]);
  }
}

/** A batch that can be sent repeatedly. Its items are resolved when it is sent first. */
class SentBatch {
  private request: { plan: PlanItem[]; model: ModelItem[] } | undefined;
  private readonly key: LedgerKey | undefined;
  private readonly ledger: ModelLedger | undefined;
  private readonly attempts: AppliedBatch[] = [];

  constructor(
    private readonly draft: BatchDraft,
    private readonly fixture: Fixture,
  ) {
    const keyed = draft.keyed && !draft.options.dryRun;
    this.key = keyed ? newKey() : undefined;
    this.ledger = keyed ? new Map() : undefined;
  }

  async send(): Promise<void> {
    this.request ??= await this.resolveItems();
    const { model } = this.request;
    // The gateway makes new ids in every attempt.
    const plan = this.request.plan.map(withNewId);
    const key = this.key && retryOf(this.key);
    const applied = await engine.apply(batch(this.fixture.teamId, plan, this.draft.options), key);
    for (const [place, item] of model.entries()) item.newId = idOf(applied.outcomes[place]);
    const expected = this.fixture.model.apply(model, this.draft.options, this.ledger);
    if (this.ledger && this.attempts.length > 0 && expected.state === 'executed') expected.state = 'resumed';

    expect(applied.state).toBe(expected.state);
    expect(applied.outcomes.map(readable)).toEqual(
      expected.outcomes.map((outcome) => expectation(outcome, this.draft.options.return === 'minimal')),
    );
    this.expectCompletion(applied, key);
    this.expectSameBytes(applied);
    await this.fixture.expectTables();
    this.attempts.push(applied);
  }

  /** A replayed outcome has the bytes of the attempt that stored it. */
  private expectSameBytes(applied: AppliedBatch): void {
    for (const [place, { replayed, entry }] of applied.outcomes.entries()) {
      if (!replayed) continue;
      const origin = this.attempts
        .map(({ outcomes }) => outcomes[place])
        .find((earlier) => earlier?.replayed === false && earlier.entry === entry);
      expect(origin, entry).toBeDefined();
    }
  }

  private expectCompletion({ completedBy }: AppliedBatch, key: LedgerKey | undefined): void {
    const first = this.attempts.map((attempt) => attempt.completedBy).find((requestId) => requestId !== undefined);
    expect(completedBy).toBe(key === undefined ? undefined : (first ?? key.requestId));
  }

  private async resolveItems(): Promise<{ plan: PlanItem[]; model: ModelItem[] }> {
    const etags = await engine.etags(this.fixture.teamId);
    const resolver = new ItemResolver(this.fixture, etags, this.draft.options.skipUnchanged === true);
    const both = this.draft.items.map((draft) => resolver.resolve(draft));
    return { plan: both.map(([item]) => item), model: both.map(([, item]) => item) };
  }
}

/** The gateway makes new ids in every attempt. */
function withNewId(item: PlanItem): PlanItem {
  if (item.op === 'create') return { ...item, id: randomUUID() };
  return 'create' in item ? { ...item, create: { ...item.create, id: randomUUID() } } : item;
}

/** Makes plan items and items of the model from drafts. */
class ItemResolver {
  private readonly versions: ReadonlyMap<string, number>;

  /** @param skipUnchanged the option of the batch */
  constructor(
    private readonly fixture: Fixture,
    private readonly etags: ReadonlyMap<string, string>,
    private readonly skipUnchanged: boolean,
  ) {
    this.versions = new Map([...fixture.model.current].map(([id, { version }]) => [id, version]));
  }

  resolve({ ref, ...draft }: ItemDraft): [PlanItem, ModelItem] {
    const [planned, model] = this.operation(draft);
    const named = ref === undefined ? {} : { ref };
    return [
      { ...planned, ...named },
      { ...model, ...named },
    ];
  }

  private operation(draft: ItemDraft): [PlanItem, ModelItem] {
    const id = this.fixture.id(draft.target);
    const { tag, condition } = 'ifMatch' in draft ? this.tagOf(draft.ifMatch, id) : {};
    const ifMatch = tag === undefined ? {} : { if_match: tag };
    const common = { newId: null, ...(condition && { ifMatch: condition }) };
    // The values after JSON serialization.
    const blocks = 'blocks' in draft ? (JSON.parse(JSON.stringify(draft.blocks)) as typeof draft.blocks) : {};
    switch (draft.kind) {
      case 'invalid': {
        const { code, blocks } = draft.fault;
        const sentId = draft.fault.id === undefined ? id : draft.fault.id;
        return [
          this.plan({ id: sentId, ...blocks }),
          { ...common, kind: 'invalid', id: sentId === id ? id : null, code },
        ];
      }
      case 'create':
        return [this.plan({ op: 'create', ...blocks }), { ...common, kind: 'create', ...blocks }];
      case 'restore':
      case 'delete':
        return [this.plan({ op: draft.kind, id, ...ifMatch }), { ...common, kind: draft.kind, id }];
      case 'patch': {
        const sentId = draft.upperCase ? id.toUpperCase() : id;
        return [this.plan({ id: sentId, ...ifMatch, ...blocks }), { ...common, kind: 'patch', id, ...blocks }];
      }
      case 'match': {
        const { match, ifAbsent } = draft;
        const absent = ifAbsent === undefined ? {} : { if_absent: ifAbsent };
        const planned = this.plan({ match, ...absent, ...ifMatch, ...blocks });
        if (ifAbsent !== 'create') return [planned, { ...common, kind: 'match', ...match, ...blocks }];
        const { [match.slug]: repeated = match.value, ...rest } = blocks.default ?? {};
        if (repeated !== match.value)
          return [planned, { ...common, kind: 'invalid', id: null, code: 'invalid_property' }];
        return [planned, { ...common, kind: 'match', ...upsertOf(match, { ...blocks, default: rest }) }];
      }
      case 'upsert': {
        const { match } = draft;
        const others = Object.entries(blocks.default ?? {}).filter(([slug]) => slug !== match.slug);
        const content = { ...blocks, default: Object.fromEntries(others) };
        const planned = planSingleUpsert(match, content, tag);
        return [planned, { ...common, kind: 'match', ...upsertOf(match, content) }];
      }
    }
  }

  private plan(raw: object): PlanItem {
    const [item] = ('op' in raw ? planOperations : planUpdates)([raw], {
      ...{ validator, definitions, newId: randomUUID },
      ...{ itemLimitBytes: 262_144, bodyBytes: 0, skipUnchanged: this.skipUnchanged },
    });
    if (item === undefined) throw new Error('no plan item');
    return item;
  }

  /** An etag, and which record it is the etag of. A record that the batch changes or creates gets another one. */
  private tagOf(ifMatch: IfMatch, id: string): { tag?: string; condition?: ModelItem['ifMatch'] } {
    const etag = this.etags.get(id) ?? 'none';
    switch (ifMatch) {
      case 'none':
        return {};
      case 'any':
        return { tag: '*', condition: () => true };
      case 'current': {
        const known = this.versions.get(id);
        return { tag: `"${etag}"`, condition: (other, version) => other === id && version === known };
      }
      case 'lost':
        // Of a change with the same version that was lost in a crash.
        return { tag: `"${this.versions.get(id) ?? 1}-1"`, condition: () => false };
      case 'weak':
        return { tag: `W/"${etag}"`, condition: () => false };
    }
  }
}

/** What an upsert sets in a record that exists, and in a new one. */
function upsertOf({ slug, value }: Value, blocks: Blocks): Value & Blocks & { create: Blocks } {
  return { slug, value, ...blocks, create: { ...blocks, default: { ...blocks.default, [slug]: value } } };
}

/** Plans as `PUT by/{slug}/{value}` does. */
function planSingleUpsert({ slug, value }: Value, content: Blocks & { default: object }, tag?: string): PlanItem {
  const match = matchOf(definitionOf(slug), value);
  const patch = validator.patch(content);
  if (match === undefined || 'errors' in patch) throw new Error('the upsert is not valid');
  const create = validator.create({ ...content, default: { ...content.default, [slug]: value } });
  const condition = tag === undefined ? {} : etagConditionOf(tag);
  if (condition === 'malformed') throw new Error(`${tag} is no etag`);
  return planUpsert(randomUUID(), match, { patch, create, ifMatch: condition.etag, mustExist: tag !== undefined });
}

function definitionOf(slug: string): PropertyDefinition {
  const definition = definitions.find((each) => each.slug === slug && each.list_id === null);
  if (definition === undefined) throw new Error(`${slug} is not defined`);
  return definition;
}

function readable({ entry, code, replayed }: AppliedBatch['outcomes'][number]): unknown {
  return { code, replayed, entry: JSON.parse(entry) as unknown };
}

function idOf(outcome: AppliedBatch['outcomes'][number] | undefined): string | null {
  return (JSON.parse(outcome?.entry ?? '{"id": null}') as { id: string | null }).id;
}

const time: unknown = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);

function expectation(
  { id, ref: name, effect, code, version, record, replayed }: ModelResponse['outcomes'][number],
  minimal: boolean,
): unknown {
  const ref = name === undefined ? {} : { ref: name };
  if (code !== undefined) {
    // Every failure of the model is final, and so are the outcomes that it decides.
    const error: unknown = expect.objectContaining({ code, retryable: false });
    return { code, replayed, entry: { id, ...ref, status: 'error', error } };
  }
  const { properties = {}, list = {}, extended = {} } = record ?? {};
  const content = {
    id,
    default: { ...properties, created_at: time, updated_at: time },
    list,
    ...(Object.keys(extended).length > 0 && { extended }),
  };
  return {
    code,
    replayed,
    entry: { id, ...ref, status: 'ok', effect, etag: etagOf(version ?? 0), ...(minimal ? {} : { record: content }) },
  };
}
