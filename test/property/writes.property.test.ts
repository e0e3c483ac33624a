import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { readSettings } from '#libs/config';
import { DatabaseUnavailable } from '#libs/database';
import { ImportRequestRepository } from '#libs/imports';
import {
  type ItemValidator,
  type PropertyDefinition,
  PropertyDefinitionRepository,
  PropertyDefinitionService,
} from '#libs/properties';
import type { LedgerKey } from '#libs/idempotency';
import {
  type AppliedBatch,
  defaultOptions,
  etagConditionOf,
  matchOf,
  type PlanItem,
  planOperations,
  planUpdates,
  planUpsert,
} from '#libs/records';
import type { ApiClient, ApiResponse } from '../support/api.client';
import { batch, Engine, newKey, retryOf, sha256 } from '../support/engine';
import {
  type BatchDraft,
  type Blocks,
  type IfMatch,
  indexedSlugs,
  type ItemDraft,
  listIds,
  uniqueSlugs,
  type Value,
} from './batch.arbitraries';
import { BatchModel, type ModelItem, type ModelLedger, type ModelResponse } from './batch.model';
import { ImportModel, initialOptions, type ModelOptions } from './import.model';
import type { ModelRecord } from './record.model';
import { type CallDraft, type DuplicateDraft, type ImportDraft, scenario } from './scenario.arbitraries';
import { etagOf } from '../support/etags';
import { startGateway, type TestGateway } from '../support/gateway';

const runs = 200;

let engine: Engine;
let gateway: TestGateway;
/** Has the definitions of all teams. */
const templateTeamId = randomUUID();
let validator: ItemValidator;
let definitions: readonly PropertyDefinition[];

beforeAll(async () => {
  engine = await Engine.start();
  // Without Redis, every replay is one of the ledger.
  gateway = await startGateway({ databaseUrl: engine.url, settings: { REDIS_URL: '' } });
  const teamId = templateTeamId;
  await engine.session.query('INSERT INTO teams (id, name) VALUES ($1, $2)', [teamId, 'A team']);
  await engine.session.query(
    `INSERT INTO property_definitions (team_id, object_type, id, slug, type, name, list_id)
     SELECT $1, 'organization', gen_random_uuid(), slug, type, slug, list_id
       FROM (VALUES ('score', 'num'), ('labels', 'multi_str'), ('phase', 'select_str')) AS property (slug, type), unnest($2::uuid[]) AS list_id`,
    [teamId, listIds],
  );
  await engine.session.query(
    `INSERT INTO property_definitions (team_id, object_type, id, slug, type, name, lookup, lookup_state)
     SELECT $1, 'organization', gen_random_uuid(), slug, type, slug, 'unique', 'ready'
       FROM (VALUES ('rank', 'num'), ('external_id', 'str')) AS property (slug, type)`,
    [teamId],
  );
  await engine.session.query(
    `INSERT INTO property_definitions (team_id, object_type, id, slug, type, name)
     VALUES ($1, 'organization', gen_random_uuid(), 'colors', 'multiselect_str', 'colors')`,
    [teamId],
  );
  const settings = readSettings({ DATABASE_URL: engine.url });
  const properties = new PropertyDefinitionService(new PropertyDefinitionRepository(engine.database), settings);
  validator = await properties.validatorOf(teamId, 'organization');
  definitions = await properties.definitionsOf(teamId, 'organization');
});

afterAll(async () => {
  await gateway.close();
  await engine.close();
});

describe('writes', () => {
  it("have the model's results for generated batches, duplicates and imports", { timeout: 60_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(scenario, async ({ calls, order }) => {
        const fixture = await Fixture.create();
        const sent = calls.map((draft) => sentCall(draft, fixture));
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
  /** The options of select properties. */
  options: ModelOptions = initialOptions();
  private client: ApiClient | undefined;
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

  /** Calls the gateway as the team, which is created first. */
  async caller(): Promise<ApiClient> {
    if (this.client !== undefined) return this.client;
    await engine.session.query(
      `WITH team AS (INSERT INTO teams (id, name) VALUES ($1, 'A team'))
       INSERT INTO property_definitions (team_id, object_type, id, slug, type, name, list_id, lookup, lookup_state)
       SELECT $1, object_type, id, slug, type, name, list_id, lookup, lookup_state
         FROM property_definitions WHERE team_id = $2`,
      [this.teamId, templateTeamId],
    );
    this.client = await gateway.newCaller({ teamId: this.teamId });
    return this.client;
  }

  async expectOptions(): Promise<void> {
    const initial = initialOptions();
    for (const [property, options] of this.options) {
      const [slug = '', listId = null] = property.split('.').reverse();
      const { id } = definitionOf(slug, listId);
      const rows = await engine.session.query(
        'SELECT slug, value FROM property_options WHERE team_id = $1 AND property_id = $2 ORDER BY position',
        [this.teamId, id],
      );
      expect(rows, property).toEqual(options.slice(initial.get(property)?.length));
    }
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

interface SentCall {
  send(): Promise<void>;
}

function sentCall(draft: CallDraft, fixture: Fixture): SentCall {
  switch (draft.kind) {
    case 'batch':
      return new SentBatch(draft, fixture);
    case 'duplicate':
      return new SentDuplicate(draft, fixture);
    case 'import':
      return new SentImport(draft, fixture);
  }
}

/** A duplication that can be sent repeatedly. */
class SentDuplicate implements SentCall {
  private readonly headers: Record<string, string>;
  private first: ApiResponse | undefined;

  constructor(
    private readonly draft: DuplicateDraft,
    private readonly fixture: Fixture,
  ) {
    this.headers = keyHeaders(draft.keyed);
  }

  async send(): Promise<void> {
    const { draft, fixture, headers } = this;
    const caller = await fixture.caller();
    const source = fixture.id(draft.target);
    const place = draft.upperCase ? source.toUpperCase() : source;
    const response = await caller.call('POST', caller.path(`organization/${place}/duplicate`), { headers });
    if (draft.keyed && this.first !== undefined) expectReplay(response, this.first);
    else {
      const newId = response.status === 201 ? String(response.body.id) : null;
      const { outcomes } = fixture.model.apply([{ kind: 'duplicate', source, newId }], defaultOptions);
      expectCreated(caller, response, outcomes[0]);
      this.first = response;
    }
    await fixture.expectTables();
  }
}

function expectCreated(
  caller: ApiClient,
  { status, headers, body }: ApiResponse,
  outcome: ModelResponse['outcomes'][number] | undefined,
): void {
  expect(headers).not.toHaveProperty('idempotent-replay');
  if (outcome?.record === undefined) {
    const expected = outcome?.code === 'not_found' ? [404, 'not_found'] : [409, outcome?.code];
    expect([status, body.error?.code]).toEqual(expected);
    return;
  }
  const { id, record } = outcome;
  expect([status, body]).toEqual([201, contentOf(id, record)]);
  expect(headers).toMatchObject({ etag: etagOf(1), location: caller.path(`organization/${id ?? ''}`) });
}

/** An import that can be sent repeatedly. */
class SentImport implements SentCall {
  private readonly headers: Record<string, string>;
  /** The results of the first attempt with a key, and its response, unless that was lost. */
  private first: { results: unknown[]; response?: ApiResponse } | undefined;

  constructor(
    private readonly draft: ImportDraft,
    private readonly fixture: Fixture,
  ) {
    this.headers = keyHeaders(draft.keyed);
  }

  async send(): Promise<void> {
    const { draft, fixture, headers } = this;
    const caller = await fixture.caller();
    const body = { objects: draft.objects.map(({ row }) => row), options: draft.options };
    const send = (): Promise<ApiResponse> => caller.call('POST', caller.path('organization/import'), { body, headers });
    const { objects, options } = JSON.parse(JSON.stringify(draft)) as ImportDraft;
    const model = new ImportModel({ objects, options }, fixture.model, fixture.options);
    if (model.isInvalid) {
      const response = await send();
      expect([response.status, response.body.error?.code]).toEqual([400, 'invalid_request']);
    } else if (this.first === undefined) await this.execute(send, model);
    else {
      const response = await send();
      if (this.first.response !== undefined) expectReplay(response, this.first.response);
      else expectImported(response, this.first.results);
      this.first.response = response;
    }
    await fixture.expectTables();
    await fixture.expectOptions();
  }

  private async execute(send: () => Promise<ApiResponse>, model: ImportModel): Promise<void> {
    const { draft, fixture } = this;
    const { items, options } = model.plan();
    const isLost = draft.keyed && draft.interrupted;
    const finish = vi.spyOn(gateway.app.get(ImportRequestRepository), 'finishCall');
    let lost = '{}';
    if (isLost) {
      finish.mockImplementationOnce((_teamId, _jobId, _key, body) => {
        lost = body;
        return Promise.reject(new DatabaseUnavailable('connection'));
      });
    }
    const response = await send();
    finish.mockRestore();
    const body = (isLost ? JSON.parse(lost) : response.body) as { results?: { id: string | null }[] };
    const ids = (body.results ?? []).map(({ id }) => id);
    for (const [place, item] of items.entries()) item.newId = ids[place] ?? null;
    const { outcomes } = fixture.model.apply(items, { ...defaultOptions, return: 'minimal' });
    fixture.options = options;
    const results = outcomes.map(rowResult);
    if (isLost) expect([response.status, response.body.error?.code]).toEqual([503, 'unavailable']);
    else expectImported(response, results);
    if (draft.keyed) this.first = { results, ...(!isLost && { response }) };
  }
}

function rowResult({ id, effect, code }: ModelResponse['outcomes'][number], input_index: number): unknown {
  if (code !== undefined) {
    const error: unknown = expect.objectContaining({ code, retryable: false });
    return { input_index, id: null, created: false, existing: false, updated: false, error };
  }
  const created = effect === 'created';
  return { input_index, id, created, existing: !created, updated: effect === 'updated', error: null };
}

function expectImported({ status, body, headers }: ApiResponse, results: readonly unknown[]): void {
  const failed = results.filter((result) => (result as { error: unknown }).error !== null).length;
  expect([status, body]).toEqual([
    200,
    {
      ...{ job_id: null, status: 'complete', total: results.length, processed: results.length },
      ...{ succeeded: results.length - failed, failed, created_at: time, updated_at: time, expires_at: time, results },
    },
  ]);
  expect(headers).not.toHaveProperty('idempotent-replay');
}

function expectReplay(response: ApiResponse, first: ApiResponse): void {
  const { etag, location } = first.headers;
  expect([response.status, response.text]).toEqual([first.status, first.text]);
  expect([response.headers.etag, response.headers.location]).toEqual([etag, location]);
  expect(response.headers['idempotent-replay']).toBe('true');
}

function keyHeaders(keyed: boolean): Record<string, string> {
  return keyed ? { 'idempotency-key': randomUUID() } : {};
}

/** A batch that can be sent repeatedly. Its items are resolved when it is sent first. */
class SentBatch implements SentCall {
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

function definitionOf(slug: string, listId: string | null = null): PropertyDefinition {
  const definition = definitions.find((each) => each.slug === slug && each.list_id === listId);
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
  const content = contentOf(id, record);
  return {
    code,
    replayed,
    entry: { id, ...ref, status: 'ok', effect, etag: etagOf(version ?? 0), ...(minimal ? {} : { record: content }) },
  };
}

function contentOf(id: string | null, record: ModelRecord | undefined): object {
  const { properties = {}, list = {}, extended = {} } = record ?? {};
  return {
    id,
    default: { ...properties, created_at: time, updated_at: time },
    list,
    ...(Object.keys(extended).length > 0 && { extended }),
  };
}
