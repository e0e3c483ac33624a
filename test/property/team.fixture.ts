import { randomUUID } from 'node:crypto';
import { expect } from 'vitest';
import type { ApiClient } from '../support/api.client';
import { sha256 } from '../support/engine';
import { indexedSlugs, uniqueSlugs } from './batch.arbitraries';
import { BatchModel } from './batch.model';
import { initialOptions, type ModelOptions } from './import.model';
import type { ModelRecord } from './record.model';
import type { WriteEnvironment } from './write.environment';

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
export class TeamFixture {
  /** The options of select properties, as the model has them. */
  options: ModelOptions = initialOptions();
  private client: ApiClient | undefined;
  readonly teamId = randomUUID();
  readonly otherTeamId = randomUUID();
  readonly model: BatchModel;

  private constructor(
    readonly environment: WriteEnvironment,
    private readonly ids: readonly string[],
  ) {
    const records = samples.map((record, index) => [ids[index] ?? '', structuredClone(record)] as const);
    this.model = new BatchModel(new Map(records), indexedSlugs, uniqueSlugs);
  }

  static async create(environment: WriteEnvironment): Promise<TeamFixture> {
    const fixture = new TeamFixture(
      environment,
      Array.from({ length: 7 }, () => randomUUID()),
    );
    const { session } = environment.engine;
    const definitions = indexedSlugs.map((slug) => environment.definitionOf(slug));
    // No two records have the same etag.
    await session.query(
      `INSERT INTO records (team_id, id, object_type, properties, deleted_at, updated_at)
       SELECT CASE place WHEN 6 THEN $2::uuid ELSE $1::uuid END, id, sample ->> 'objectType', sample -> 'properties',
              CASE WHEN (sample -> 'deleted')::boolean THEN now() END, now() - make_interval(secs => place)
         FROM ROWS FROM (unnest($3::uuid[]), jsonb_array_elements($4::jsonb)) WITH ORDINALITY AS r (id, sample, place)
        WHERE place <= 6`,
      [fixture.teamId, fixture.otherTeamId, fixture.ids, JSON.stringify([...samples, samples[2]])],
    );
    await session.query(
      `INSERT INTO record_lookups (team_id, record_id, property_id, value_hash)
       SELECT r.team_id, r.id, p.id, lookup_hash(p.kind, r.properties -> p.slug)
         FROM records AS r
         JOIN unnest($2::uuid[], $3::text[], $4::text[]) AS p (id, slug, kind) ON r.properties ? p.slug
        WHERE r.team_id = ANY ($1) AND r.object_type = 'organization' AND r.deleted_at IS NULL`,
      [
        [fixture.teamId, fixture.otherTeamId],
        definitions.map(({ id }) => id),
        indexedSlugs,
        definitions.map(({ type }) => (type === 'num' ? 'number' : 'text')),
      ],
    );
    return fixture;
  }

  id(target: number): string {
    return this.ids[target] ?? '';
  }

  /** Calls the gateway as the team, which is created first. */
  async caller(): Promise<ApiClient> {
    return (this.client ??= await this.environment.newCaller(this.teamId));
  }

  /** Checks that the options in the database are those of the model. */
  async expectOptions(): Promise<void> {
    const initial = initialOptions();
    for (const [property, options] of this.options) {
      const [slug = '', listId = null] = property.split('.').reverse();
      const { id } = this.environment.definitionOf(slug, listId);
      const rows = await this.environment.engine.session.query(
        'SELECT slug, value FROM property_options WHERE team_id = $1 AND property_id = $2 ORDER BY position',
        [this.teamId, id],
      );
      expect(rows, property).toEqual(options.slice(initial.get(property)?.length));
    }
  }

  /** Checks that the records and lookups in the database are those of the model. */
  async expectTables(): Promise<void> {
    const expected = [...this.model.current].map(([id, { objectType, ...record }]) => [
      id,
      { id, object_type: objectType, ...record },
    ]);
    expect(Object.fromEntries(await this.environment.engine.stored(this.teamId))).toEqual(Object.fromEntries(expected));
    const lookups = await this.environment.engine.session.query<{ row: string }>(
      `SELECT record_id || ' ' || property_id || ' ' || encode(value_hash, 'hex') AS row
         FROM record_lookups WHERE team_id = $1`,
      [this.teamId],
    );
    const expectedLookups = this.model.lookupValues.map(
      ({ id, slug, value }) =>
        `${id} ${this.environment.definitionOf(slug).id} ${sha256(String(value)).toString('hex')}`,
    );
    expect(lookups.map(({ row }) => row).sort()).toEqual(expectedLookups.sort());
    const others = [...(await this.environment.engine.stored(this.otherTeamId)).values()];
    expect(others).toMatchObject([{ id: this.id(5), version: 1, deleted: false }]);
  }
}
