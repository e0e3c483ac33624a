import { LRUCache } from 'lru-cache';
import type { ConnectionPool } from './connection.pool';

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

interface NodeRow {
  host: string;
  port: number;
}

/** A pool of connections to each node of a cluster, and the node that has the rows of each team. */
export class TeamNodes {
  private readonly pools = new Map<string, ConnectionPool>();
  /** The URL of each team's node; empty: unknown. */
  private readonly urls: LRUCache<string, string, number>;

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
    const pool = this.pools.get(url) ?? this.open(url);
    this.pools.set(url, pool);
    return pool;
  }

  /** Makes the next call look the node up again. Call it when its server could not be reached. */
  forget(teamId: string): void {
    this.urls.delete(teamId);
  }

  all(): ConnectionPool[] {
    return [...this.pools.values()];
  }
}

/** The same database, role and parameters on another server. */
function nodeUrl(databaseUrl: string, { host, port }: NodeRow): string {
  const url = new URL(databaseUrl);
  url.hostname = host;
  url.port = String(port);
  return url.href;
}
