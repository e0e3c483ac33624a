import { LRUCache } from 'lru-cache';
import type { ConnectionPool, PoolStats } from './connection.pool';

/** How long a team's node is used before it is looked up again. If the team has moved since, its node passes statements on. */
const MAX_AGE_MS = 10_000;
const CAPACITY = 100_000;

/** No row: the table is not distributed. Any node knows the nodes of all teams. */
const FIND_NODE = `
  SELECT n.nodename AS host, n.nodeport AS port
    FROM pg_dist_partition AS t
    JOIN pg_dist_placement AS p ON p.shardid = get_shard_id_for_distribution_column(t.logicalrelid, $1::uuid)
    JOIN pg_dist_node AS n ON n.groupid = p.groupid AND n.noderole = 'primary'
   WHERE t.logicalrelid = to_regclass('records') AND t.partmethod = 'h'`;

const LIST_NODES = `
  SELECT nodename AS host, nodeport AS port FROM pg_dist_node WHERE noderole = 'primary' AND isactive ORDER BY groupid`;

interface NodeRow {
  host: string;
  port: number;
}

/** The state of a node, and of this process's pool of connections to it. */
export interface NodeState {
  /** The node as `host:port`, by the name that the cluster has for it. */
  readonly node: string;
  /** Whether it accepted a connection and writes at the last check. */
  readonly isUp: boolean;
  readonly pool: PoolStats;
}

/** A pool of connections to each node of a cluster, and the node that has the rows of each team. */
export class TeamNodes {
  private readonly pools = new Map<string, ConnectionPool>();
  /** Whether each node of the cluster could be used at the last check, by its URL. */
  private nodes: ReadonlyMap<string, boolean> = new Map();
  private checking: Promise<void> | undefined;
  /** The URL of each team's node; empty: unknown. */
  private readonly urls: LRUCache<string, string, number>;
  /** The URLs of all nodes. */
  private readonly listNodes: (timeoutMs: number) => Promise<string[]>;

  /**
   * @param url of the database, on any node
   * @param query runs a statement on that node, within a time in milliseconds
   * @param open creates the pool of a node
   */
  constructor(
    url: string,
    query: (text: string, values: unknown[], timeoutMs: number) => Promise<{ rows: NodeRow[] }>,
    private readonly open: (url: string) => ConnectionPool,
  ) {
    this.listNodes = async (timeoutMs) => (await query(LIST_NODES, [], timeoutMs)).rows.map((row) => nodeUrl(url, row));
    this.urls = new LRUCache({
      max: CAPACITY,
      ttl: MAX_AGE_MS,
      // While the node of the URL is unavailable, the other nodes still serve the teams that were looked up before.
      allowStaleOnFetchRejection: true,
      noDeleteOnFetchRejection: true,
      fetchMethod: async (teamId, _, { context: timeoutMs }) => {
        const { rows } = await query(FIND_NODE, [teamId], timeoutMs);
        return rows[0] === undefined ? '' : nodeUrl(url, rows[0]);
      },
    });
  }

  /** The pool of the node that has the rows of the team; undefined: it is not known. */
  async poolOf(teamId: string, timeoutMs: number): Promise<ConnectionPool | undefined> {
    const url = (await this.urls.fetch(teamId, { context: timeoutMs })) ?? '';
    if (url === '') return undefined;
    return this.poolAt(url);
  }

  /** Makes the next call look the node up again. Call it when its server could not be reached. */
  forget(teamId: string): void {
    this.urls.delete(teamId);
  }

  all(): ConnectionPool[] {
    return [...this.pools.values()];
  }

  /**
   * Begins a check of every node of the cluster over a new connection, unless the last check has not ended. If the list of nodes cannot
   * be read, checks those that were listed last.
   */
  check(timeoutMs: number): void {
    this.checking ??= this.checkNow(timeoutMs).finally(() => {
      this.checking = undefined;
    });
  }

  /** The nodes that were checked last. */
  states(): NodeState[] {
    return [...this.nodes].map(([url, isUp]) => ({ node: new URL(url).host, isUp, pool: this.poolAt(url).stats() }));
  }

  private async checkNow(timeoutMs: number): Promise<void> {
    const urls = await this.listNodes(timeoutMs).catch(() => [...this.nodes.keys()]);
    const checks = urls.map(async (url) => [url, await this.poolAt(url).acceptsWrites()] as const);
    this.nodes = new Map(await Promise.all(checks));
  }

  private poolAt(url: string): ConnectionPool {
    const pool = this.pools.get(url) ?? this.open(url);
    this.pools.set(url, pool);
    return pool;
  }
}

/** The same database, role and parameters on another server. */
function nodeUrl(databaseUrl: string, { host, port }: NodeRow): string {
  const url = new URL(databaseUrl);
  url.hostname = host;
  url.port = String(port);
  return url.href;
}
