import { Inject, Injectable } from '@nestjs/common';
import { Database, type CheckoutOptions, type DatabaseClient, SQL_STATES, sqlStateOf, statement } from '#libs/database';
import type { ObjectType } from './property-definition';
import { FIND_TEAM_PROPERTIES, type TeamRowsText } from './property-definition.repository';
import type { PlannedOption } from './missing.options';
import type { Deletion, SchemaWrite } from './schema.change';

/** The object type whose definitions a request changes. */
export interface SchemaTarget {
  readonly teamId: string;
  readonly objectType: ObjectType;
}

const BEGIN_SCHEMA_CHANGE = statement(__dirname, 'begin_schema_change');
const LOCK_SCHEMA = statement(__dirname, 'lock_schema');
const INSERT_DEFINITION = statement(__dirname, 'insert_definition');
const UPDATE_DEFINITION = statement(__dirname, 'update_definition');
const UPDATE_LOOKUP = statement(__dirname, 'update_lookup');
/** In this order. A cluster executes no statement that deletes from several tables. */
const DELETE_DEFINITION = ['delete_options', 'delete_lookup_values', 'delete_definition'].map((name) =>
  statement(__dirname, name),
);
const INSERT_OPTION = statement(__dirname, 'insert_option');
const INSERT_OPTIONS = statement(__dirname, 'insert_options');
const UPDATE_OPTION = statement(__dirname, 'update_option');
const DELETE_OPTION = statement(__dirname, 'delete_option');
const BEGIN_USAGE_CHECK = statement(__dirname, 'begin_usage_check');
const IS_PROPERTY_USED = statement(__dirname, 'is_property_used');

/** Changes the rows of `property_definitions` and `property_options`, in the transaction of its caller. */
@Injectable()
export class SchemaRepository {
  constructor(@Inject(Database) private readonly database: Database) {}

  /** Begins a transaction. Its waits for locks end after `lockTimeoutMs`. */
  async begin(client: DatabaseClient, teamId: string, lockTimeoutMs: number): Promise<void> {
    await client.query('BEGIN');
    await client.query(BEGIN_SCHEMA_CHANGE, [teamId, String(lockTimeoutMs)]);
  }

  /** Locks the definitions of the team until the end of the transaction. @returns its rows */
  async lock(client: DatabaseClient, { teamId }: SchemaTarget): Promise<TeamRowsText | undefined> {
    await client.query(LOCK_SCHEMA, [teamId]);
    const { rows } = await client.query<TeamRowsText>(FIND_TEAM_PROPERTIES, [teamId, null]);
    return rows[0];
  }

  async write(client: DatabaseClient, { teamId, objectType }: SchemaTarget, write: SchemaWrite): Promise<void> {
    switch (write.op) {
      case 'insert_definition': {
        const { id, slug, type, name, required, list_id, lookup, lookup_state, options } = write.definition;
        await client.query(INSERT_DEFINITION, [
          ...[teamId, objectType, id, slug, type, name, required, list_id],
          ...[JSON.stringify(options), lookup, lookup_state],
        ]);
        return;
      }
      case 'update_definition': {
        const { id, name, required, lookup, lookup_state } = write.definition;
        await client.query(UPDATE_DEFINITION, [teamId, id, name, required]);
        if (write.isLookupChanged) await client.query(UPDATE_LOOKUP, [teamId, id, lookup, lookup_state]);
        return;
      }
      case 'delete_definition':
        for (const text of DELETE_DEFINITION) await client.query(text, [teamId, write.id]);
        return;
      case 'insert_option': {
        const { propertyId, option, position } = write;
        await client.query(INSERT_OPTION, [
          ...[teamId, propertyId, option.id],
          ...[option.slug, option.value, position ?? null],
        ]);
        return;
      }
      case 'update_option': {
        const { propertyId, option, position } = write;
        await client.query(UPDATE_OPTION, [teamId, propertyId, option.id, option.value, position ?? null]);
        return;
      }
      case 'delete_option':
        await client.query(DELETE_OPTION, [teamId, write.propertyId, write.id]);
        return;
    }
  }

  /** Adds options after those that their properties have. */
  async insertOptions(
    client: DatabaseClient,
    { teamId }: SchemaTarget,
    planned: readonly PlannedOption[],
  ): Promise<void> {
    await client.query(INSERT_OPTIONS, [
      teamId,
      planned.map(({ propertyId }) => propertyId),
      planned.map(({ option }) => option.id),
      planned.map(({ option }) => option.slug),
      planned.map(({ option }) => option.value),
    ]);
  }

  /**
   * Whether a record has a value of the property or option.
   *
   * @returns undefined if the check did not finish within `budgetMs`
   * @throws DatabaseUnavailable
   */
  async isUsed(
    { teamId, objectType }: SchemaTarget,
    { definition, option }: Deletion,
    budgetMs: number,
    options: CheckoutOptions,
  ): Promise<boolean | undefined> {
    const values = [teamId, objectType, definition.slug, definition.list_id, option?.slug ?? null];
    return this.database.withClient(
      async (client) => {
        await client.query('BEGIN');
        // Not in the transaction of the change: a timeout would end a commit's wait for its standby.
        await client.query(BEGIN_USAGE_CHECK, [teamId, String(budgetMs)]);
        try {
          const { rows } = await client.query<{ used: boolean }>(IS_PROPERTY_USED, values);
          return rows[0]?.used === true;
        } catch (error) {
          if (sqlStateOf(error) !== SQL_STATES.queryCanceled || options.cancellation?.requested === true) throw error;
          return undefined;
        } finally {
          await client.query('ROLLBACK');
        }
      },
      { ...options, teamId, isReadOnly: true },
    );
  }
}
