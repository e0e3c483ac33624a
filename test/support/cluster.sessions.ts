import { randomUUID } from 'node:crypto';
import { inject } from 'vitest';
import { databaseUrl } from './server.database';
import { NODE_OF_TEAM, Session } from './session';

/** A node that stores records, and a session on it. */
export interface ClusterNode {
  readonly port: number;
  readonly session: Session;
}

/** The sessions of a test in a distributed database, as its owner. */
export class ClusterSessions {
  private constructor(
    readonly coordinator: Session,
    readonly workers: readonly ClusterNode[],
  ) {}

  /** @param url of the database on the coordinator */
  static async open(url: string): Promise<ClusterSessions> {
    const name = new URL(url).pathname.slice(1);
    const workers = await Promise.all(
      inject('workerUrls').map(async (worker) => ({
        port: Number(new URL(worker).port),
        session: await Session.open(databaseUrl(worker, name)),
      })),
    );
    return new ClusterSessions(await Session.open(url), workers);
  }

  /** The node that has the rows of a team. */
  async nodeOf(teamId: string): Promise<ClusterNode> {
    const [row] = await this.coordinator.query<{ port: number }>(NODE_OF_TEAM, [teamId]);
    const node = this.workers.find(({ port }) => port === row?.port);
    if (node === undefined) throw new Error('no worker has the team');
    return node;
  }

  /** A new team on that node. */
  async teamOn(node: ClusterNode): Promise<string> {
    for (;;) {
      const teamId = randomUUID();
      if ((await this.nodeOf(teamId)) === node) return teamId;
    }
  }

  /** The node that does not have the rows of a team. */
  async otherNodeThan(teamId: string): Promise<ClusterNode> {
    const own = await this.nodeOf(teamId);
    const other = this.workers.find((node) => node !== own);
    if (other === undefined) throw new Error('there is one worker only');
    return other;
  }

  /**
   * Moves a team, with the others of its shard, to the other worker. Resolves when the move is complete.
   *
   * @param mode `force_logical` waits for every transaction on the node; writes wait at the end only
   */
  async move(teamId: string, mode: 'force_logical' | 'block_writes' = 'force_logical'): Promise<void> {
    const [from, to] = [await this.nodeOf(teamId), await this.otherNodeThan(teamId)];
    await this.coordinator.query(
      `SELECT citus_move_shard_placement(get_shard_id_for_distribution_column('records', $1::uuid),
                                         '127.0.0.1', $2, '127.0.0.1', $3, $4::citus.shard_transfer_mode)`,
      [teamId, from.port, to.port, mode],
    );
  }

  async close(): Promise<void> {
    await Promise.all([this.coordinator, ...this.workers.map(({ session }) => session)].map((one) => one.close()));
  }
}
