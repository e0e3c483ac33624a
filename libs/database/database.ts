import { postgresServers } from '#libs/config';
import { type CheckoutOptions, ConnectionPool, type DatabaseOptions, type PoolStats } from './connection.pool';
import type { DatabaseClient } from './database.client';
import { type DatabaseFailure, DatabaseUnavailable } from './database.errors';
import { PrimaryServer } from './server.identity';
import { type NodeState, TeamNodes } from './team.nodes';

/** How often the nodes of a cluster are checked. */
const NODE_CHECK_MS = 10_000;
/** The timeout of reading the list of nodes. */
const NODE_LIST_TIMEOUT_MS = 2_000;

/** The pool of one node of a cluster. */
class NodeDatabase extends ConnectionPool {
  readonly plane = 'data';
}

/**
 * The pool of the data plane: batches, reads of records by id, retention; without a replica, also list, query and count. On a cluster,
 * what concerns one team is executed on the node that has its rows, over a connection to that node (docs/scale.md).
 */
export class Database extends ConnectionPool {
  readonly plane = 'data';

  private readonly nodes: TeamNodes | undefined;
  private nodeChecks: NodeJS.Timeout | undefined;

  constructor(
    private readonly poolOptions: DatabaseOptions,
    onError?: (kind: DatabaseFailure | 'call') => void,
  ) {
    super(poolOptions, onError);
    const { url, ...options } = poolOptions;
    // A pooler is between the program and one node. The others are unknown to it.
    if (options.pooler !== 'none') return;
    this.nodes = new TeamNodes(
      postgresServers(url)?.[0] ?? url,
      (text, values, timeoutMs) => super.query(text, values, { timeoutMs }),
      (nodeUrl) => new NodeDatabase({ ...options, url: nodeUrl, primary: new PrimaryServer() }, onError),
    );
  }

  override async withClient<T>(use: (client: DatabaseClient) => Promise<T>, options: CheckoutOptions = {}): Promise<T> {
    const { teamId } = options;
    const pool = teamId === undefined ? undefined : await this.poolOf(teamId, options);
    if (pool === undefined || teamId === undefined) return super.withClient(use, options);
    try {
      return await pool.withClient(use, options);
    } catch (error) {
      if (error instanceof DatabaseUnavailable && error.kind === 'connection') this.nodes?.forget(teamId);
      throw error;
    }
  }

  override stats(): PoolStats {
    const pools = [super.stats(), ...this.nodePools().map((pool) => pool.stats())];
    const sum = (count: keyof PoolStats): number => pools.reduce((total, pool) => total + pool[count], 0);
    return { total: sum('total'), idle: sum('idle'), discarded: sum('discarded'), waiting: sum('waiting') };
  }

  /** The most connections of a pool: of this one, and of that of each node. */
  get poolSize(): number {
    return this.poolOptions.poolSize;
  }

  /** The nodes of the cluster, as of the last check. Empty on a single server, behind a pooler, and without {@link watchNodes}. */
  nodeStates(): NodeState[] {
    return this.nodes?.states() ?? [];
  }

  /** From now on, checks regularly which nodes of the cluster can be used. Has no effect on a single server. */
  watchNodes(): void {
    this.nodeChecks ??= setInterval(() => {
      if (this.isCluster === true) this.nodes?.check(NODE_LIST_TIMEOUT_MS);
    }, NODE_CHECK_MS).unref();
  }

  override closeIdle(): void {
    super.closeIdle();
    for (const pool of this.nodePools()) pool.closeIdle();
  }

  override async close(): Promise<void> {
    clearInterval(this.nodeChecks);
    await Promise.all([super.close(), ...this.nodePools().map((pool) => pool.close())]);
  }

  private nodePools(): ConnectionPool[] {
    return this.nodes?.all() ?? [];
  }

  /** The pool of the team's node; undefined: the server is no cluster, or the node is not known. */
  private async poolOf(teamId: string, options: CheckoutOptions): Promise<ConnectionPool | undefined> {
    const timeoutMs = Math.max(0, options.timeoutMs ?? this.poolOptions.timeoutMs);
    // The first connection of the process tells whether the server is a cluster.
    if (this.isCluster === undefined && this.nodes) await super.withClient(() => Promise.resolve(), { timeoutMs });
    return this.isCluster === true ? this.nodes?.poolOf(teamId, timeoutMs) : undefined;
  }
}

/**
 * The pool of the control plane: API keys, property definitions and readiness. Batches and reads of records never use it, so
 * a gateway authenticates callers and responds to probes even while they occupy every connection of the data plane.
 */
export class ControlDatabase extends ConnectionPool {
  readonly plane = 'control';
}

/** The pool of a replica, which serves list, query and count. */
export class ReadDatabase extends ConnectionPool {
  readonly plane = 'read';
}
