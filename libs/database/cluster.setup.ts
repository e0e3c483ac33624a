import type { ConnectionPool } from './connection.pool';
import type { DatabaseClient } from './database.client';
import { applyFunctions } from './function.runner';
import { readSchemaFiles } from './schema.files';
import { withSchemaLock } from './schema.lock';

/** Tables of which every node has a copy: they are small and rarely written, and API keys are found without a team. */
const REFERENCE_TABLES = [
  'teams',
  'clients',
  'client_limits',
  'api_keys',
  'property_definitions',
  'property_options',
  'schema_migrations',
  'schema_functions',
] as const;

/** Tables that are divided by `team_id`. The rows of a team are on one node, in all of them. */
const DISTRIBUTED_TABLES = [
  'records',
  'record_lookups',
  'idempotency_requests',
  'idempotency_progress',
  'idempotency_outcomes',
  'import_jobs',
  'import_chunks',
] as const;

/** The database cannot be distributed. The message says why, and how to correct it. */
export class ClusterError extends Error {
  override readonly name = 'ClusterError';
}

/** What {@link initCluster} has changed, and the nodes of the cluster. */
export interface ClusterSetup {
  /** Tables that it has distributed, or copied to every node. */
  readonly tables: readonly string[];
  /** Nodes that store records, as `host:port`. */
  readonly nodes: readonly string[];
}

interface StateRow {
  preloaded: boolean;
  installed: boolean;
}

interface KindRow {
  kind: 'distributed' | 'reference' | 'local';
}

const READ_STATE = `
  SELECT current_setting('citus.version', true) IS NOT NULL AS preloaded,
         EXISTS (SELECT FROM pg_extension WHERE extname = 'citus') AS installed`;

const READ_NODES = `
  SELECT nodename || ':' || nodeport AS node, groupid = 0 AS is_coordinator, shouldhaveshards AS stores_records
    FROM pg_dist_node
   WHERE noderole = 'primary' AND isactive
   ORDER BY groupid`;

/**
 * Removes the foreign key from definitions to teams. For a key between two tables that every node has, Citus locks the other table for
 * each write, which needs a privilege to change it. A gateway has none, and knows the team by its API key.
 */
const DROP_TEAM_KEY = 'ALTER TABLE property_definitions DROP CONSTRAINT IF EXISTS property_definitions_team_id_fkey';

const IS_COORDINATOR = 'SELECT groupid = 0 AS is_coordinator FROM pg_dist_local_group';

/**
 * What the cluster knows a table as; no row: nothing. `local`: it is on the coordinator alone, because a table that it references became a
 * reference table, or because an earlier call was interrupted.
 */
const TABLE_KIND = `
  SELECT CASE WHEN partmethod = 'h' THEN 'distributed' WHEN repmodel = 't' THEN 'reference' ELSE 'local' END AS kind
    FROM pg_dist_partition
   WHERE logicalrelid = to_regclass($1)`;

/** Functions that are older than the extension. Citus distributes later ones by itself. */
const DISTRIBUTE_FUNCTIONS = `
  SELECT create_distributed_function(p.oid::regprocedure)
    FROM pg_proc AS p
   WHERE p.pronamespace = current_schema()::regnamespace AND p.prokind IN ('f', 'p')
     AND NOT EXISTS (SELECT FROM pg_depend AS d WHERE d.objid = p.oid AND d.deptype = 'e')
     AND NOT EXISTS (SELECT FROM pg_dist_object AS o WHERE o.classid = 'pg_proc'::regclass AND o.objid = p.oid)`;

/** Functions with a parameter or result of the row type of a shard. $1: the tables of the schema; any other table is a shard. */
const SHARD_ROW_FUNCTIONS = `
  SELECT DISTINCT p.proname AS name, p.oid::regprocedure::text AS signature
    FROM pg_proc AS p
    JOIN pg_type AS t ON t.oid = p.prorettype OR t.oid = ANY (p.proargtypes)
    JOIN pg_class AS c ON c.oid = t.typrelid AND c.relkind IN ('r', 'p')
   WHERE p.pronamespace = current_schema()::regnamespace AND c.relname <> ALL ($1)`;

/** Functions that always use a generic plan. Citus finds the node of a statement by the values of its parameters, which such a plan lacks. */
const GENERIC_PLANS = `
  SELECT p.oid::regprocedure::text AS signature
    FROM pg_proc AS p
   WHERE p.pronamespace = current_schema()::regnamespace AND 'plan_cache_mode=force_generic_plan' = ANY (p.proconfig)`;

/**
 * Settings of every session on every node.
 *
 * - enable_fast_path_router_planner: with it, each execution of a statement in a procedure adds a plan to the memory of the
 *   session (Citus 13.2), and is not faster
 * - propagate_set_commands: `share_settings` depends on it
 */
const DATABASE_SETTINGS = { enable_fast_path_router_planner: 'off', propagate_set_commands: 'local' };

/** Deletes the schemas of `open_shard` on a node. */
const CLOSE_SHARDS = `
  DO $do$
  DECLARE
    v_schema text;
  BEGIN
    SET LOCAL citus.enable_ddl_propagation = off;
    FOR v_schema IN SELECT nspname FROM pg_namespace WHERE nspname LIKE 'prism\\_shard\\_%' LOOP
      EXECUTE format('DROP SCHEMA %I CASCADE', v_schema);
    END LOOP;
  END
  $do$`;

/** Whether the tables of the database are distributed. */
export async function areTablesDistributed(client: DatabaseClient): Promise<boolean> {
  const { rows } = await client.query<{ found: boolean }>(
    "SELECT to_regclass('pg_catalog.pg_dist_partition') IS NOT NULL AS found",
  );
  if (rows[0]?.found !== true) return false;
  return (await kindOf(client, 'records')) === 'distributed';
}

/**
 * Distributes a migrated database over the nodes of a Citus cluster: the rows of a team are on one node, and every node has a copy
 * of teams, clients, keys and definitions. Does only what is missing, so it can be repeated at any time.
 *
 * Gateways can read and write during the call. A reference table is locked while it is copied to every node; a distributed table with
 * rows only at the end of its copy.
 *
 * @param database connected to the coordinator as the owner of the tables
 * @throws ClusterError if the server is no coordinator of a cluster with other nodes
 */
export async function initCluster(database: ConnectionPool): Promise<ClusterSetup> {
  return database.withClient(
    async (client) => {
      const nodes = await readNodes(client);
      // Not in one transaction: create_distributed_table_concurrently cannot run in a transaction.
      return withSchemaLock(client, async () => {
        await applyDatabaseSettings(client);
        const tables = await distributeTables(client);
        await recreateRowFunctions(client); // also those that an interrupted call has left
        await distributeFunctions(client);
        return { tables, nodes };
      });
    },
    { timeoutMs: 0x7fff_ffff },
  );
}

/** Distributes the tables and functions that a migration has added to a cluster. The caller has the lock of the schema. */
export async function distributeNewObjects(client: DatabaseClient): Promise<void> {
  await distributeTables(client);
  await distributeFunctions(client);
}

/**
 * Deletes the views of shards on every node, which depend on the columns of their tables: call it before a migration. Batches go on,
 * through Citus, and create the views again.
 */
export async function closeShards(client: DatabaseClient): Promise<void> {
  const run =
    'SELECT nodename, nodeport, result FROM run_command_on_all_nodes($1) JOIN pg_dist_node USING (nodeid) WHERE NOT success';
  const { rows } = await client.query<{ nodename: string; nodeport: number; result: string }>(run, [CLOSE_SHARDS]);
  for (const { nodename, nodeport, result } of rows)
    throw new ClusterError(`on node ${nodename}:${nodeport}: ${result}`);
}

/** After a table with rows was distributed, the row type in the signature of a function may be that of a shard. */
async function recreateRowFunctions(client: DatabaseClient): Promise<void> {
  const { rows } = await client.query<{ name: string; signature: string }>(SHARD_ROW_FUNCTIONS, [
    [...REFERENCE_TABLES, ...DISTRIBUTED_TABLES],
  ]);
  if (rows.length === 0) return;
  await client.query('BEGIN');
  for (const { signature } of rows) await client.query(`DROP FUNCTION ${signature}`);
  const names = rows.map(({ name }) => name);
  await client.query('UPDATE schema_functions SET is_current = false WHERE name = ANY ($1)', [names]);
  await applyFunctions(client, readSchemaFiles());
  await client.query('COMMIT');
}

async function distributeFunctions(client: DatabaseClient): Promise<void> {
  await client.query(DISTRIBUTE_FUNCTIONS);
  const { rows } = await client.query<{ signature: string }>(GENERIC_PLANS);
  for (const { signature } of rows) await client.query(`ALTER FUNCTION ${signature} RESET plan_cache_mode`);
}

async function distributeTables(client: DatabaseClient): Promise<string[]> {
  const changed: string[] = [];
  await client.query(DROP_TEAM_KEY);
  for (const table of REFERENCE_TABLES) {
    if ((await kindOf(client, table)) === 'reference') continue;
    await client.query('SELECT create_reference_table($1::regclass)', [table]);
    changed.push(table);
  }
  for (const table of DISTRIBUTED_TABLES) {
    if ((await kindOf(client, table)) === 'distributed') continue;
    await distribute(client, table);
    changed.push(table);
  }
  return changed;
}

async function distribute(client: DatabaseClient, table: string): Promise<void> {
  const { rowCount } = await client.query(`SELECT FROM ${table} LIMIT 1`);
  // An empty table is locked for some milliseconds. A copy that runs beside writers takes seconds, even of few rows.
  const create = rowCount === 0 ? 'create_distributed_table' : 'create_distributed_table_concurrently';
  const colocation = table === DISTRIBUTED_TABLES[0] ? 'default' : DISTRIBUTED_TABLES[0];
  await client.query(`SELECT ${create}($1::regclass, 'team_id', colocate_with => $2)`, [table, colocation]);
}

async function kindOf(client: DatabaseClient, table: string): Promise<KindRow['kind'] | undefined> {
  const { rows } = await client.query<KindRow>(TABLE_KIND, [table]);
  return rows[0]?.kind;
}

async function applyDatabaseSettings(client: DatabaseClient): Promise<void> {
  const { rows } = await client.query<{ name: string }>('SELECT quote_ident(current_database()) AS name');
  // Citus passes the command on to every node.
  for (const [name, value] of Object.entries(DATABASE_SETTINGS)) {
    await client.query(`ALTER DATABASE ${rows[0]?.name ?? ''} SET citus.${name} TO ${value}`);
  }
}

async function readNodes(client: DatabaseClient): Promise<string[]> {
  const { rows: states } = await client.query<StateRow>(READ_STATE);
  if (states[0]?.preloaded !== true) {
    throw new ClusterError(
      'the server of DATABASE_URL has no Citus: install it on every node, and add citus to shared_preload_libraries',
    );
  }
  if (!states[0].installed) {
    throw new ClusterError(
      'this database has no extension citus: run CREATE EXTENSION citus in it on every node, and then citus_add_node on the ' +
        'coordinator for each worker',
    );
  }
  const { rows: local } = await client.query<{ is_coordinator: boolean }>(IS_COORDINATOR);
  if (local[0]?.is_coordinator !== true) {
    throw new ClusterError(
      'the server of DATABASE_URL is a worker of the cluster: point DATABASE_URL at the coordinator',
    );
  }
  const { rows } = await client.query<{ node: string; is_coordinator: boolean; stores_records: boolean }>(READ_NODES);
  if (rows.every(({ is_coordinator }) => is_coordinator)) {
    throw new ClusterError(
      'the coordinator knows no workers: run citus_set_coordinator_host, and citus_add_node for each worker',
    );
  }
  return rows.filter(({ stores_records }) => stores_records).map(({ node }) => node);
}
