import { randomBytes } from 'node:crypto';
import { Client } from 'pg';
import { readSettings } from '#libs/config';
import { applyGrants, initCluster, migrate, openDatabase, setRowLevelSecurity } from '#libs/database';
import { PostgresServer } from './postgres.server';
import { databaseUrl, onServer } from './server.database';

const WORKERS = 2;
const SETTINGS = {
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
};
const ROLES = { gateway: 'prism_gateway', worker: 'prism_worker' } as const;

/** A Citus cluster on the loopback interface: a coordinator and two workers, with a template of distributed databases. */
export class CitusCluster {
  private constructor(
    readonly coordinator: PostgresServer,
    readonly workers: readonly PostgresServer[],
    readonly template: string,
  ) {}

  static async start(): Promise<CitusCluster> {
    const [coordinator, ...workers] = await Promise.all(
      Array.from({ length: 1 + WORKERS }, () => PostgresServer.create(SETTINGS)),
    );
    if (coordinator === undefined) throw new Error('no coordinator');
    const cluster = new CitusCluster(coordinator, workers, `prism_template_${randomBytes(6).toString('hex')}`);
    for (const { url } of cluster.nodes) await allowMoves(url);
    const url = await cluster.createEmpty(cluster.template);
    await migrate(url);
    await distribute(url);
    await cluster.closeTemplate();
    return cluster;
  }

  get nodes(): readonly PostgresServer[] {
    return [this.coordinator, ...this.workers];
  }

  /** Creates an empty database whose nodes know each other. @returns its URL on the coordinator */
  async createEmpty(name: string): Promise<string> {
    for (const { url } of this.nodes) {
      await onServer(url, `CREATE DATABASE ${name} TEMPLATE template0`);
      await onServer(databaseUrl(url, name), 'CREATE EXTENSION citus');
    }
    const url = databaseUrl(this.coordinator.url, name);
    await onServer(url, `SELECT citus_set_coordinator_host('127.0.0.1', ${this.coordinator.port})`);
    for (const { port } of this.workers) await onServer(url, `SELECT citus_add_node('127.0.0.1', ${port})`);
    return url;
  }

  async remove(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.remove()));
  }

  /** Ends the sessions in the template, such as Citus' own, which would prevent copies. */
  private async closeTemplate(): Promise<void> {
    for (const { url } of this.nodes) {
      await onServer(url, `ALTER DATABASE ${this.template} WITH ALLOW_CONNECTIONS false`);
      await onServer(
        url,
        `SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = '${this.template}'`,
      );
    }
  }
}

/** Secures the template as in production, and distributes it. */
async function distribute(url: string): Promise<void> {
  const database = openDatabase(readSettings({ DATABASE_URL: url }));
  try {
    for (const program of ['gateway', 'worker'] as const) {
      await database.query(`CREATE ROLE ${ROLES[program]} LOGIN`);
      await applyGrants(database, program, ROLES[program]);
    }
    await setRowLevelSecurity(database, true);
    await initCluster(database);
  } finally {
    await database.close();
  }
}

/** Newer minor versions of Postgres allow an output plugin by name, which shard moves use. */
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
