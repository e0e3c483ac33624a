import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { readSettings } from '#libs/config';
import { type Database, openDatabase } from '#libs/database';
import { PropertyDefinitionRepository } from '#libs/properties';
import { createDatabase, type TestDatabase } from '../../support/database';

const TIMEOUT_MS = 20_000;

let testDatabase: TestDatabase;
let database: Database;
let repository: PropertyDefinitionRepository;
let team: string;
/** Of the rows that the team has before each test. */
let checksum: string;

beforeAll(async () => {
  testDatabase = await createDatabase();
  database = openDatabase(readSettings({ DATABASE_URL: testDatabase.url }));
  repository = new PropertyDefinitionRepository(database);
});
afterAll(async () => {
  await database.close();
  await testDatabase.drop();
});

beforeEach(async () => {
  team = await newTeam();
  checksum = await checksumOf(team);
});
afterEach(() => {
  vi.restoreAllMocks();
});

/** A team with the properties `tier` and `rank`, with two options each. */
async function newTeam(): Promise<string> {
  const id = randomUUID();
  await database.query('INSERT INTO teams (id, name) VALUES ($1, $2)', [id, 'A team']);
  await database.query(
    `INSERT INTO property_definitions (team_id, object_type, id, slug, type, name)
     SELECT $1, 'deal', gen_random_uuid(), slug, 'select_str', initcap(slug) FROM unnest('{tier,rank}'::text[]) AS slug`,
    [id],
  );
  await database.query(
    `INSERT INTO property_options (team_id, property_id, id, slug, value, position)
     SELECT d.team_id, d.id, gen_random_uuid(), o.slug, initcap(o.slug), o.position
       FROM property_definitions AS d CROSS JOIN unnest('{low,high}'::text[], '{1,2}'::integer[]) AS o (slug, position)
      WHERE d.team_id = $1`,
    [id],
  );
  return id;
}

async function checksumOf(teamId: string): Promise<string> {
  const rows = await repository.findByTeam(teamId, TIMEOUT_MS);
  return rows?.checksum ?? 'not read';
}

/** A condition on `property_options` or `property_definitions`. */
const OF_TIER = `property_id = (SELECT d.id FROM property_definitions AS d WHERE d.team_id = $1 AND d.slug = 'tier')`;

describe('a read with the checksum of the rows', () => {
  it('receives neither definitions nor options from Postgres while they are unchanged', async () => {
    const query = vi.spyOn(database, 'query');
    expect(await repository.findByTeam(team, TIMEOUT_MS, checksum)).toBeUndefined();
    const [read] = query.mock.results;
    expect(await read?.value).toMatchObject({ rows: [{ checksum, definitions: null, options: null }] });
  });

  it('receives nothing either if the team has neither definitions nor options', async () => {
    const empty = randomUUID();
    expect(await repository.findByTeam(empty, TIMEOUT_MS, await checksumOf(empty))).toBeUndefined();
  });

  it('does not see a change of another team', async () => {
    const other = await newTeam();
    await database.query(`UPDATE property_definitions SET name = 'Renamed' WHERE team_id = $1`, [other]);
    await database.query('DELETE FROM property_options WHERE team_id = $1', [other]);
    expect(await repository.findByTeam(team, TIMEOUT_MS, checksum)).toBeUndefined();
  });

  it.each([
    [
      'the value of an option',
      `UPDATE property_options SET value = 'Least' WHERE team_id = $1 AND slug = 'low' AND ${OF_TIER}`,
    ],
    ['the order of options', `UPDATE property_options SET position = 3 - position WHERE team_id = $1 AND ${OF_TIER}`],
    [
      'a new option',
      `INSERT INTO property_options (team_id, property_id, id, slug, value)
                      SELECT $1, id, gen_random_uuid(), 'new', 'New' FROM property_definitions WHERE team_id = $1 AND slug = 'tier'`,
    ],
    ['a deleted option', `DELETE FROM property_options WHERE team_id = $1 AND slug = 'low' AND ${OF_TIER}`],
    [
      'an option of a built-in property',
      `INSERT INTO property_options (team_id, property_id, id, slug, value)
                                          VALUES ($1, gen_random_uuid(), gen_random_uuid(), 'new', 'New')`,
    ],
    ['the name of a definition', `UPDATE property_definitions SET name = 'Level' WHERE team_id = $1 AND slug = 'tier'`],
    [
      'whether a property is required',
      `UPDATE property_definitions SET required = true WHERE team_id = $1 AND slug = 'tier'`,
    ],
    [
      'the lookup of a definition',
      `UPDATE property_definitions SET lookup = 'unique' WHERE team_id = $1 AND slug = 'tier'`,
    ],
    [
      'the state of a lookup',
      `UPDATE property_definitions SET lookup_state = 'ready' WHERE team_id = $1 AND slug = 'tier'`,
    ],
    [
      'a new definition',
      `INSERT INTO property_definitions (team_id, object_type, id, slug, type, name)
                          VALUES ($1, 'deal', gen_random_uuid(), 'new', 'num', 'New')`,
    ],
    [
      'a deleted definition, whose options are left',
      `DELETE FROM property_definitions WHERE team_id = $1 AND slug = 'tier'`,
    ],
  ])('sees a change of one thing: %s', async (_, change) => {
    await database.query(change, [team]);
    const changed = await repository.findByTeam(team, TIMEOUT_MS, checksum);
    expect(changed).toBeDefined();
    // All rows, as without a checksum: both definitions and options, whichever of them has changed.
    expect(changed).toEqual(await repository.findByTeam(team, TIMEOUT_MS));
    expect(changed?.checksum).not.toBe(checksum);
    expect(await repository.findByTeam(team, TIMEOUT_MS, changed?.checksum)).toBeUndefined();
  });

  it('has the options in their new order', async () => {
    const slugsOf = async (known?: string): Promise<unknown> =>
      (await repository.findByTeam(team, TIMEOUT_MS, known))?.options.slice(0, 2).map(({ slug }) => slug);
    expect(await slugsOf()).toEqual(['low', 'high']);
    await database.query('UPDATE property_options SET position = 3 - position WHERE team_id = $1', [team]);
    expect(await slugsOf(checksum)).toEqual(['high', 'low']);
  });
});
