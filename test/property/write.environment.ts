import { randomUUID } from 'node:crypto';
import { readSettings } from '#libs/config';
import {
  type ItemValidator,
  type PropertyDefinition,
  PropertyDefinitionRepository,
  PropertyDefinitionService,
} from '#libs/properties';
import type { ApiClient } from '../support/api.client';
import { Engine } from '../support/engine';
import { startGateway, type TestGateway } from '../support/gateway';
import { listIds } from './batch.arbitraries';

/** The write path and a gateway on one database, with the property definitions that the generated calls use. */
export class WriteEnvironment {
  private constructor(
    readonly engine: Engine,
    readonly gateway: TestGateway,
    /** Has the definitions of all teams. */
    private readonly templateTeamId: string,
    readonly validator: ItemValidator,
    readonly definitions: readonly PropertyDefinition[],
  ) {}

  static async open(): Promise<WriteEnvironment> {
    const engine = await Engine.start();
    // Without Redis, every replay is one of the ledger.
    const gateway = await startGateway({ databaseUrl: engine.url, settings: { REDIS_URL: '' } });
    const teamId = randomUUID();
    await defineProperties(engine, teamId);
    const settings = readSettings({ DATABASE_URL: engine.url });
    const properties = new PropertyDefinitionService(new PropertyDefinitionRepository(engine.database), settings);
    const validator = await properties.validatorOf(teamId, 'organization');
    const definitions = await properties.definitionsOf(teamId, 'organization');
    return new WriteEnvironment(engine, gateway, teamId, validator, definitions);
  }

  async close(): Promise<void> {
    await this.gateway.close();
    await this.engine.close();
  }

  definitionOf(slug: string, listId: string | null = null): PropertyDefinition {
    const definition = this.definitions.find((each) => each.slug === slug && each.list_id === listId);
    if (definition === undefined) throw new Error(`${slug} is not defined`);
    return definition;
  }

  /** Creates a team with the definitions, and a client of it. */
  async newCaller(teamId: string): Promise<ApiClient> {
    await this.engine.session.query('INSERT INTO teams (id, name) VALUES ($1, $2)', [teamId, 'A team']);
    await this.engine.session.query(
      `INSERT INTO property_definitions (team_id, object_type, id, slug, type, name, list_id, lookup, lookup_state)
       SELECT $1, object_type, id, slug, type, name, list_id, lookup, lookup_state
         FROM property_definitions WHERE team_id = $2`,
      [teamId, this.templateTeamId],
    );
    return this.gateway.newCaller({ teamId });
  }
}

async function defineProperties({ session }: Engine, teamId: string): Promise<void> {
  await session.query('INSERT INTO teams (id, name) VALUES ($1, $2)', [teamId, 'A team']);
  await session.query(
    `INSERT INTO property_definitions (team_id, object_type, id, slug, type, name, list_id)
     SELECT $1, 'organization', gen_random_uuid(), slug, type, slug, list_id
       FROM (VALUES ('score', 'num'), ('labels', 'multi_str'), ('phase', 'select_str')) AS property (slug, type), unnest($2::uuid[]) AS list_id`,
    [teamId, listIds],
  );
  await session.query(
    `INSERT INTO property_definitions (team_id, object_type, id, slug, type, name, lookup, lookup_state)
     SELECT $1, 'organization', gen_random_uuid(), slug, type, slug, 'unique', 'ready'
       FROM (VALUES ('rank', 'num'), ('external_id', 'str')) AS property (slug, type)`,
    [teamId],
  );
  await session.query(
    `INSERT INTO property_definitions (team_id, object_type, id, slug, type, name)
     VALUES ($1, 'organization', gen_random_uuid(), 'colors', 'multiselect_str', 'colors')`,
    [teamId],
  );
}
