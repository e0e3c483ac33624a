/** @module-tag citus */
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { CitusCluster } from '../support/citus.cluster';
import { Writer } from '../support/cluster.writer';
import { Engine } from '../support/engine';
import type { PostgresServer } from '../support/postgres.server';
import { roleUrl } from '../support/server.database';
import { NODE_OF_TEAM, Session } from '../support/session';

const ITEMS = 10;

let cluster: CitusCluster;
let owner: Engine;
let gateway: Engine;
let coordinator: Session;
let writers: Writer[];

beforeAll(async () => {
  cluster = await CitusCluster.start();
  const url = await cluster.createDatabase('moves');
  owner = await Engine.connect(url);
  gateway = await Engine.connect(roleUrl(url, inject('gatewayRole')));
  coordinator = await Session.open(url);
  writers = Array.from({ length: 4 }, () => new Writer(gateway));
  for (const writer of writers) writer.ids = await owner.insert(writer.teamId, ITEMS);
  for (const writer of writers) writer.start();
}, 120_000);
afterAll(async () => {
  await gateway.close();
  await owner.close();
  await coordinator.close();
  await cluster.remove();
});

async function progress(batches: number): Promise<void> {
  await Promise.all(writers.map((writer) => writer.progress(batches)));
}

async function portOf(teamId: string): Promise<number> {
  const [row] = await coordinator.query<{ port: number }>(NODE_OF_TEAM, [teamId]);
  return row?.port ?? 0;
}

function worker(isWanted: (server: PostgresServer) => boolean): PostgresServer {
  const server = cluster.workers.find(isWanted);
  if (server === undefined) throw new Error('there is no such worker');
  return server;
}

describe('batches on a cluster continue, and each item is applied once,', { timeout: 120_000 }, () => {
  it('while the shards of their teams move', async () => {
    await progress(2);
    for (const { teamId } of writers) {
      const from = await portOf(teamId);
      await coordinator.query(
        `SELECT citus_move_shard_placement(get_shard_id_for_distribution_column('records', $1::uuid),
                                           '127.0.0.1', $2, '127.0.0.1', $3, 'force_logical')`,
        [teamId, from, worker(({ port }) => port !== from).port],
      );
      await progress(1);
    }
  });

  it('while a worker is killed and started again', async () => {
    for (const server of cluster.workers) {
      await server.stop('immediate');
      await server.start();
      await progress(2);
    }
  });

  it('while the coordinator is unavailable', async () => {
    await progress(1);
    await cluster.coordinator.stop('immediate');
    await progress(5);
    await cluster.coordinator.start();
    await progress(1);
  });

  it('which the versions of all records show', async () => {
    for (const writer of writers) await writer.stop();
    // The session of the first engine was to the coordinator that was stopped.
    const reader = await Engine.connect(owner.url);
    const versions = await Promise.all(writers.map(({ teamId, ids }) => reader.versions(teamId, ids)));
    await reader.close();
    expect(versions).toEqual(writers.map(({ batches, ids }) => ids.map(() => 1 + batches)));
    expect(writers.reduce((sum, { batches }) => sum + batches, 0)).toBeGreaterThan(40);
  });
});
