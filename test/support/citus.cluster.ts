import { randomBytes } from 'node:crypto';
import { Client } from 'pg';
import { readSettings } from '#libs/config';
import { initCluster, migrate, openDatabase } from '#libs/database';
import { PostgresServer } from './postgres.server';
import { createProgramRoles } from './program.roles';
import { databaseUrl, onServer } from './server.database';

const WORKERS = 2;
/** Settings of a node, for small databases of tests. */
export const CITUS_SETTINGS = {
  shared_preload_libraries: 'citus',
  // For shard moves.
  wal_level: 'logical',
  // Changes of tables that every node has are committed in two phases.
  max_prepared_transactions: '200',
  max_connections: '200',
  // Each database has a maintenance process.
  max_worker_processes: '100',
  'citus.shard_count': '4',
  'citus.node_conninfo': 'sslmode=disable',
  'citus.enable_stat_counters': 'on',
  // Tests make the statements of a batch fail with triggers.
  'citus.enable_unsafe_triggers': 'on',
};
/** The settings of the database that `cluster init` makes. A copy of a database lacks them. */
const COPIED_SETTINGS = ['citus.enable_fast_path_router_planner TO off', 'citus.propagate_set_commands TO local'];

/** A Citus cluster on the loopback interface: a coordinator and two workers, with a template of distributed databases. */
export class CitusCluster {
  private constructor(
    readonly coordinator: PostgresServer,
    readonly workers: PostgresServer[],
    readonly template: string,
    private readonly settings: Record<string, string>,
  ) {}

  /** @param settings of every server, beside those that Citus needs */
  static async start(settings: Record<string, string> = {}): Promise<CitusCluster> {
    const all = { ...CITUS_SETTINGS, ...settings };
    const [coordinator, ...workers] = await Promise.all(
      Array.from({ length: 1 + WORKERS }, () => PostgresServer.create(all)),
    );
    if (coordinator === undefined) throw new Error('no coordinator');
    const cluster = new CitusCluster(coordinator, workers, `prism_template_${randomBytes(6).toString('hex')}`, all);
    await Promise.all(cluster.urls.map(allowMoves));
    const url = await createEmptyCluster(cluster.urls, cluster.template);
    await migrate(url);
    await distribute(url);
    for (const node of cluster.urls) await closeTemplate(node, cluster.template);
    return cluster;
  }

  /** Creates a distributed, empty database. @returns its URL on the coordinator */
  createDatabase(name: string): Promise<string> {
    return copyCluster(this.urls, this.template, name);
  }

  /** Adds a server to the cluster of a database. It stores no records yet. @param url of the database on the coordinator */
  async addWorker(url: string): Promise<PostgresServer> {
    const server = await PostgresServer.create(this.settings);
    this.workers.push(server);
    await allowMoves(server.url);
    const name = new URL(url).pathname.slice(1);
    // The metadata of a copied database name the template as a database of every node.
    for (const database of [this.template, name]) {
      await onServer(server.url, `CREATE DATABASE ${database} TEMPLATE template0`);
    }
    await onServer(databaseUrl(server.url, name), 'CREATE EXTENSION citus');
    await onServer(url, `SELECT citus_add_node('127.0.0.1', ${server.port})`);
    return server;
  }

  async remove(): Promise<void> {
    await Promise.all([this.coordinator, ...this.workers].map((node) => node.remove()));
  }

  /** The coordinator first. */
  private get urls(): string[] {
    return [this.coordinator, ...this.workers].map(({ url }) => url);
  }
}

/**
 * Creates an empty database, with Citus and workers.
 *
 * @param nodes URLs of servers, the coordinator first
 * @returns its URL on the coordinator
 */
export async function createEmptyCluster(nodes: readonly string[], name: string): Promise<string> {
  await Promise.all(
    nodes.map(async (node) => {
      await onServer(node, `CREATE DATABASE ${name} TEMPLATE template0`);
      await onServer(databaseUrl(node, name), 'CREATE EXTENSION citus');
    }),
  );
  const [coordinator = 0, ...workers] = nodes.map((node) => Number(new URL(node).port));
  const url = databaseUrl(nodes[0] ?? '', name);
  await onServer(url, `SELECT citus_set_coordinator_host('127.0.0.1', ${coordinator})`);
  for (const port of workers) await onServer(url, `SELECT citus_add_node('127.0.0.1', ${port})`);
  return url;
}

/**
 * Copies a distributed database, which takes a tenth of a second: the metadata of Citus are rows of the database, and do not contain its name.
 *
 * @param nodes URLs of servers, the coordinator first
 * @returns the URL of the copy on the coordinator
 */
export async function copyCluster(nodes: readonly string[], template: string, name: string): Promise<string> {
  await Promise.all(
    nodes.map(async (node) => {
      await onServer(node, `CREATE DATABASE ${name} TEMPLATE ${template}`);
      for (const setting of COPIED_SETTINGS) await onServer(node, `ALTER DATABASE ${name} SET ${setting}`);
    }),
  );
  return databaseUrl(nodes[0] ?? '', name);
}

export async function dropCluster(nodes: readonly string[], name: string): Promise<void> {
  // Otherwise the other nodes connect again, for the maintenance of Citus, while the database is dropped.
  await Promise.all(nodes.map((node) => onServer(node, `ALTER DATABASE ${name} WITH ALLOW_CONNECTIONS false`)));
  await Promise.all(nodes.map((node) => onServer(node, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`)));
}

/** Distributes the template, with the roles and row-level security of production. */
async function distribute(url: string): Promise<void> {
  const database = openDatabase(readSettings({ DATABASE_URL: url }));
  try {
    await initCluster(database);
    await createProgramRoles(database);
  } finally {
    await database.close();
  }
}

/** Ends the sessions in a template, such as those of Citus itself: a template cannot be copied while it is in use. */
async function closeTemplate(node: string, template: string): Promise<void> {
  await onServer(node, `ALTER DATABASE ${template} WITH ALLOW_CONNECTIONS false`);
  await onServer(node, `SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = '${template}'`);
}

/** Newer minor versions of Postgres allow an output plugin by name. Shard moves use that of Citus. */
async function allowMoves(url: string): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    const { rowCount } = await client.query("SELECT FROM pg_settings WHERE name = 'output_plugin_libraries'");
    if (rowCount === 0) return;
    await client.query("ALTER SYSTEM SET output_plugin_libraries = 'citus', 'pgoutput'");
    await client.query('SELECT pg_reload_conf()');
  } finally {
    await client.end();
  }
}
