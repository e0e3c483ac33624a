import { Client } from 'pg';
import { inject } from 'vitest';
import { databaseUrl } from './server.database';

/** The server process of a connection, on one of the servers. */
export interface Backend {
  readonly pid: number;
  readonly server: Client;
}

const WAITING_BACKENDS = `
  SELECT pid FROM pg_stat_activity
   WHERE datname = current_database() AND application_name = 'prism-gateway' AND wait_event_type = 'Lock'`;

const LOCK_WAITS = `
  SELECT l.pid || ' ' || l.waitstart AS wait
    FROM pg_locks AS l JOIN pg_stat_activity AS a USING (pid)
   WHERE a.datname = current_database() AND a.application_name = 'prism-gateway' AND l.waitstart IS NOT NULL`;

export const NODE_OF_TEAM = `
  SELECT nodeport AS port FROM pg_dist_placement JOIN pg_dist_node USING (groupid)
   WHERE shardid = get_shard_id_for_distribution_column('records', $1::uuid)`;

const SHARD_TABLE = "SELECT $1 || '_' || get_shard_id_for_distribution_column($1, $2::uuid) AS name";

/**
 * A separate connection of a test, to hold locks, to read and to interfere. On a cluster it is connected to the coordinator, and looks
 * for backends on every node.
 */
export class Session {
  /** The other nodes of the cluster that the test runs on. */
  private workers: Promise<Client[]> | undefined;

  private constructor(
    private readonly url: string,
    private readonly client: Client,
  ) {}

  static async open(url: string): Promise<Session> {
    return new Session(url, await connect(url));
  }

  /** A session on the node that has the rows of the team. The locks that a batch takes exist there only. */
  static async ofTeam(url: string, teamId: string): Promise<Session> {
    if (workersOf(url).length === 0) return Session.open(url);
    const coordinator = await connect(url);
    const { rows } = await coordinator.query<{ port: number }>(NODE_OF_TEAM, [teamId]);
    await coordinator.end();
    const node = new URL(url);
    node.port = String(rows[0]?.port);
    return Session.open(node.href);
  }

  async query<R extends object = Record<string, unknown>>(text: string, values: unknown[] = []): Promise<R[]> {
    const { rows } = await this.client.query<R & Record<string, unknown>>(text, values);
    return rows;
  }

  /** Locks records, like a transaction that changes them, until {@link release}. */
  async hold(teamId: string, ids: string[]): Promise<void> {
    await this.client.query('BEGIN');
    await this.client.query('SELECT FROM records WHERE team_id = $1 AND id = ANY ($2) FOR UPDATE', [teamId, ids]);
  }

  /**
   * Locks the table that has the rows of the team, in a transaction, until {@link release}. On a cluster that is the table of a shard,
   * and this must be a session of {@link ofTeam}.
   */
  async lockTable(table: string, teamId: string, mode: string): Promise<void> {
    const [row] = await this.query<{ name: string }>(isCluster() ? SHARD_TABLE : 'SELECT $1 AS name, $2::uuid', [
      table,
      teamId,
    ]);
    await this.client.query('BEGIN');
    // Citus protects the tables of shards from all others. The setting is unknown to a server without Citus, and harmless.
    await this.client.query('SET LOCAL citus.enable_manual_changes_to_shards = on');
    await this.client.query(`LOCK TABLE ${row?.name ?? ''} IN ${mode} MODE`);
  }

  async release(): Promise<void> {
    await this.client.query('ROLLBACK');
  }

  /** The waits of gateways for a lock at this moment: when each began, by backend. */
  async lockWaits(): Promise<string[]> {
    return this.onEachServer(async (server) => {
      const { rows } = await server.query<{ wait: string }>(LOCK_WAITS);
      return rows.map(({ wait }) => `${server.port} ${wait}`);
    });
  }

  /** The number of backends of gateways that wait for a lock. */
  async lockWaiters(): Promise<number> {
    return (await this.waitingBackends()).length;
  }

  /** The backends of gateways that wait for a lock. */
  async waitingBackends(): Promise<Backend[]> {
    return this.onEachServer(async (server) => {
      // In a transaction the view returns the same snapshot until it is cleared.
      await server.query('SELECT pg_stat_clear_snapshot()');
      const { rows } = await server.query<{ pid: number }>(WAITING_BACKENDS);
      return rows.map(({ pid }) => ({ pid, server }));
    });
  }

  async cancel({ pid, server }: Backend): Promise<void> {
    await server.query('SELECT pg_cancel_backend($1::integer)', [pid]);
  }

  async terminate({ pid, server }: Backend): Promise<void> {
    await server.query('SELECT pg_terminate_backend($1::integer)', [pid]);
  }

  /** Creates an object that Citus does not, on the server or on each node of a cluster. */
  async createOnEachServer(statement: string): Promise<void> {
    await this.onEachServer(async (server) => {
      await server.query(`SET citus.enable_ddl_propagation = off; ${statement}; RESET citus.enable_ddl_propagation`);
      return [];
    });
  }

  async close(): Promise<void> {
    await Promise.all([this.client, ...((await this.workers) ?? [])].map((client) => client.end()));
  }

  /** Calls a function for the server, or for each node of a cluster. */
  private async onEachServer<T>(use: (server: Client) => Promise<T[]>): Promise<T[]> {
    this.workers ??= Promise.all(workersOf(this.url).map(connect));
    return (await Promise.all([this.client, ...(await this.workers)].map(use))).flat();
  }
}

async function connect(url: string): Promise<Client> {
  const client = new Client({ connectionString: url });
  // The server may be stopped while this is idle; the next query reports it.
  client.on('error', () => undefined);
  await client.connect();
  return client;
}

/** Whether the databases of the tests are distributed: in the projects of a cluster. */
export function isCluster(): boolean {
  return inject('workerUrls').length > 0;
}

/** The same database on the workers; none if the server is not the coordinator of the project's cluster. */
function workersOf(url: string): string[] {
  const { host, pathname } = new URL(url);
  if (host !== new URL(inject('postgresUrl')).host) return [];
  return inject('workerUrls').map((worker) => databaseUrl(worker, pathname.slice(1)));
}
