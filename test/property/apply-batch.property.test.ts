import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readSettings } from '#libs/config';
import { type ItemValidator, PropertyDefinitionRepository, PropertyDefinitionService } from '#libs/properties';
import type { LedgerKey } from '#libs/idempotency';
import { type AppliedBatch, type PlanItem, planUpdates } from '#libs/records';
import { batch, Engine, newKey, retryOf } from '../support/engine';
import { type BatchDraft, type IfMatch, type ItemDraft, listIds, scenario } from './batch.arbitraries';
import { type ModelResponse, BatchModel, type ModelItem, type ModelLedger, type ModelRecord } from './batch.model';
import { etagOf } from '../support/etags';

const runs = 300;

let engine: Engine;
let validator: ItemValidator;

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
  const settings = readSettings({ DATABASE_URL: engine.url });
  const properties = new PropertyDefinitionService(new PropertyDefinitionRepository(engine.database), settings);
  validator = await properties.validatorOf(teamId, 'organization');
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

/** The records of one team and one record of another team, in the database and in the model. */
class Fixture {
  readonly teamId = randomUUID();
  readonly otherTeamId = randomUUID();
  readonly model: BatchModel;

  private constructor(readonly ids: readonly string[]) {
    const live: ModelRecord = {
      objectType: 'organization',
      properties: { name: 'Acme' },
      list: {},
      extended: {},
      version: 1,
      deleted: false,
    };
    // By target: three live records, a deleted one, one of another type, one of another team, and a missing one.
    const records = [live, live, live, { ...live, deleted: true }, { ...live, objectType: 'contact' }];
    this.model = new BatchModel(new Map(records.map((record, index) => [ids[index] ?? '', structuredClone(record)])));
  }

  static async create(): Promise<Fixture> {
    const fixture = new Fixture(Array.from({ length: 7 }, () => randomUUID()));
    await engine.session.query(
      `INSERT INTO records (team_id, id, object_type, properties, deleted_at)
       SELECT CASE place WHEN 6 THEN $2::uuid ELSE $1::uuid END, id,
              CASE place WHEN 5 THEN 'contact' ELSE 'organization' END, '{"name": "Acme"}',
              CASE place WHEN 4 THEN now() END
         FROM unnest($3::uuid[]) WITH ORDINALITY AS record (id, place) WHERE place <= 6`,
      [fixture.teamId, fixture.otherTeamId, fixture.ids],
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
    const plan = this.request.plan.map((item) => (item.op === 'create' ? { ...item, id: randomUUID() } : item));
    const key = this.key && retryOf(this.key);
    const applied = await engine.apply(batch(this.fixture.teamId, plan, this.draft.options), key);
    for (const [place, item] of model.entries()) {
      if (item.kind === 'create') item.id = idOf(applied.outcomes[place]);
    }
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
    const both = this.draft.items.map((draft) =>
      itemOf(draft, this.fixture, etags, this.draft.options.skipUnchanged === true),
    );
    return { plan: both.map(([item]) => item), model: both.map(([, item]) => item) };
  }
}

function itemOf(draft: ItemDraft, ...rest: [Fixture, ReadonlyMap<string, string>, boolean]): [PlanItem, ModelItem] {
  const [planned, model] = operationOf(draft, ...rest);
  const { ref } = draft;
  return ref === undefined
    ? [planned, model]
    : [
        { ...planned, ref },
        { ...model, ref },
      ];
}

/** @param skip the option `skip_unchanged` */
function operationOf(
  draft: ItemDraft,
  fixture: Fixture,
  etags: ReadonlyMap<string, string>,
  skip: boolean,
): [PlanItem, ModelItem] {
  const id = fixture.id(draft.target);
  switch (draft.kind) {
    case 'invalid': {
      const { code, blocks } = draft.fault;
      const sentId = draft.fault.id === undefined ? id : draft.fault.id;
      return [planned({ id: sentId, ...blocks }, skip), { kind: 'invalid', id: sentId === id ? id : null, code }];
    }
    case 'create':
      return [
        { op: 'create', id, properties: { name: draft.default.name }, list: {}, extended: {} },
        { kind: 'create', id: null, default: draft.default },
      ];
    case 'restore':
    case 'delete': {
      const { tag, version } = tagOf(draft.ifMatch, id, fixture, etags);
      const item = { id, ...(version !== undefined && { ifMatch: version }) };
      const condition = tag === undefined || tag === '*' ? {} : { if_match: tag.slice(1, -1) };
      return [
        { op: draft.kind, id, ...condition },
        { kind: draft.kind, ...item },
      ];
    }
    case 'patch': {
      const { tag, version } = tagOf(draft.ifMatch, id, fixture, etags);
      // The value after JSON serialization.
      const blocks = JSON.parse(JSON.stringify(draft.blocks)) as typeof draft.blocks;
      const raw = {
        id: draft.upperCase ? id.toUpperCase() : id,
        ...(tag !== undefined && { if_match: tag }),
        ...blocks,
      };
      return [planned(raw, skip), { kind: 'patch', id, ...(version !== undefined && { ifMatch: version }), ...blocks }];
    }
  }
}

function planned(raw: object, skipUnchanged: boolean): PlanItem {
  const [item] = planUpdates([raw], {
    ...{ validator, definitions: [], newId: randomUUID },
    ...{ itemLimitBytes: 262_144, bodyBytes: 0, skipUnchanged },
  });
  if (item === undefined) throw new Error('no plan item');
  return item;
}

/** An etag and its version; -1 for one that no record has. */
function tagOf(
  ifMatch: IfMatch,
  id: string,
  fixture: Fixture,
  etags: ReadonlyMap<string, string>,
): { tag?: string; version?: string } {
  const version = fixture.model.current.get(id)?.version ?? 1;
  switch (ifMatch) {
    case 'none':
      return {};
    case 'any':
      return { tag: '*', version: '*' };
    case 'current':
      // A record that is not there has no etag, and one that the batch creates gets an unknown one.
      return { tag: `"${etags.get(id) ?? 'none'}"`, version: etags.has(id) ? String(version) : '-1' };
    case 'lost':
      // Of a change with the same version that was lost in a crash.
      return { tag: `"${version}-1"`, version: '-1' };
    case 'weak':
      return { tag: `W/"${etags.get(id) ?? 'none'}"`, version: '-1' };
  }
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
