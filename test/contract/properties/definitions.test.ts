import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { readSettings } from '#libs/config';
import { type Database, DatabaseUnavailable, openDatabase } from '#libs/database';
import { PropertyDefinitionRepository, PropertyDefinitionService } from '#libs/properties';

import { createDatabase, type TestDatabase } from '../../support/database';

const TEAM = '0b9e6c1e-1c1f-4c0e-9d6b-0d1f5a3c7e21';
const OTHER_TEAM = '7a3f2c55-6f0b-4a8e-8c0d-5d2e9b1a4f63';
const LIST = '3c1d9f0a-2b4e-4f6d-8a7c-9e0b1d2c3f4a';
const TIER = 'c0000000-0000-4000-8000-000000000001';
const RATING = 'c0000000-0000-4000-8000-000000000002';
const GOLD = 'c0000000-0000-4000-8000-000000000003';
const SILVER = 'c0000000-0000-4000-8000-000000000004';

describe('the properties that a team defined', () => {
  let testDatabase: TestDatabase;
  let database: Database;

  /** A replica with an empty cache. */
  function replica(): PropertyDefinitionService {
    const settings = readSettings({ DATABASE_URL: testDatabase.url });
    return new PropertyDefinitionService(new PropertyDefinitionRepository(database), settings);
  }

  beforeAll(async () => {
    testDatabase = await createDatabase();
    database = openDatabase(readSettings({ DATABASE_URL: testDatabase.url }));
    for (const team of [TEAM, OTHER_TEAM]) {
      await database.query('INSERT INTO teams (id, name) VALUES ($1, $2)', [team, team]);
    }
    const define = `INSERT INTO property_definitions (team_id, object_type, id, slug, type, name, list_id)
                    VALUES ($1, 'deal', $2, $3, $4, $5, $6)`;
    await database.query(define, [TEAM, TIER, 'tier', 'select_str', 'Tier', null]);
    await database.query(define, [TEAM, RATING, 'rating', 'num', 'Rating', LIST]);
    const offer = `INSERT INTO property_options (team_id, property_id, id, slug, value, position)
                   VALUES ($1, $2, $3, $4, $5, $6)`;
    await database.query(offer, [TEAM, TIER, SILVER, 'silver', 'Silver', 2]);
    await database.query(offer, [TEAM, TIER, GOLD, 'gold', 'Gold', 1]);
  });

  afterAll(async () => {
    await database.close();
    await testDatabase.drop();
  });

  it('come after the built-in ones, with their options in order', async () => {
    const definitions = await replica().definitionsOf(TEAM, 'deal');
    expect(definitions[0]).toMatchObject({ slug: 'name', native: true });
    const own = definitions.filter(({ native }) => !native);
    const common = { required: false, native: false, locked: false, lookup: 'none', lookup_state: null };
    expect(own).toHaveLength(2);
    expect(own).toContainEqual({
      ...common,
      id: RATING,
      slug: 'rating',
      type: 'num',
      name: 'Rating',
      list_id: LIST,
      options: [],
    });
    expect(own).toContainEqual({
      ...common,
      id: TIER,
      slug: 'tier',
      type: 'select_str',
      name: 'Tier',
      list_id: null,
      options: [
        { id: GOLD, slug: 'gold', value: 'Gold' },
        { id: SILVER, slug: 'silver', value: 'Silver' },
      ],
    });
  });

  it('are what its items are checked against', async () => {
    const validator = await replica().validatorOf(TEAM, 'deal');
    expect(validator.patch({ default: { tier: GOLD }, list: { [LIST]: { rating: 4 } } })).toMatchObject({
      change: { set: { tier: 'gold' }, list: { [LIST]: { set: { rating: 4 } } } },
    });
  });

  it('do not apply to other teams', async () => {
    const validator = await replica().validatorOf(OTHER_TEAM, 'deal');
    expect(validator.patch({ default: { tier: 'gold' } })).toMatchObject({ code: 'unknown_property' });
  });

  it('are unavailable while the database is unavailable', async () => {
    const nowhere = openDatabase(readSettings({ DATABASE_URL: 'postgres://127.0.0.1:1/none' }));
    const settings = readSettings({ DATABASE_URL: testDatabase.url });
    const service = new PropertyDefinitionService(new PropertyDefinitionRepository(nowhere), settings);
    await expect(service.validatorOf(TEAM, 'deal')).rejects.toBeInstanceOf(DatabaseUnavailable);
    await nowhere.close();
  });
});
