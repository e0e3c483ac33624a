/** @module-tag citus */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { CitusCluster } from '../support/citus.cluster';
import { Writer } from '../support/cluster.writer';
import { codesOf, Engine, entriesOf, newKey, renames, retryOf } from '../support/engine';
import { PostgresPair } from '../support/postgres.pair';
import { ARCHIVE_SETTINGS, type PostgresServer } from '../support/postgres.server';
import { databaseUrl, roleUrl } from '../support/server.database';
import { NODE_OF_TEAM, Session } from '../support/session';

const ITEMS = 10;
const SHARDS = 4;
/** Nodes are checked every 10 s. */
const atNextCheck = { timeout: 60_000 };

/** The node of a team, as a port. */
async function portOf(coordinator: Session, teamId: string): Promise<number> {
  const [row] = await coordinator.query<{ port: number }>(NODE_OF_TEAM, [teamId]);
  return row?.port ?? 0;
}

describe('batches go on, and each item is applied once,', { timeout: 180_000 }, () => {
  let cluster: CitusCluster;
  let owner: Engine;
  let gateway: Engine;
  let coordinator: Session;
  let added: PostgresServer;
  let standby: PostgresServer | undefined;
  const writers: Writer[] = [];

  beforeAll(async () => {
    cluster = await CitusCluster.start();
    const url = await cluster.createDatabase('operations');
    owner = await Engine.connect(url);
    gateway = await Engine.connect(roleUrl(url, inject('gatewayRole')));
    gateway.database.watchNodes();
    coordinator = await Session.open(url);
    const shards = new Set<unknown>();
    while (shards.size < SHARDS) {
      const writer = new Writer(gateway);
      const text = "SELECT get_shard_id_for_distribution_column('records', $1::uuid) AS shard";
      shards.add((await coordinator.query(text, [writer.teamId]))[0]?.shard);
      writer.ids = await owner.insert(writer.teamId, ITEMS);
      writers.push(writer);
    }
    for (const writer of writers) writer.start();
  }, 180_000);
  afterAll(async () => {
    await coordinator.close();
    await gateway.close();
    await owner.close();
    await standby?.remove();
    await cluster.remove();
  });

  async function progress(batches: number): Promise<void> {
    await Promise.all(writers.map((writer) => writer.progress(batches)));
  }

  async function shardsOn(port: number): Promise<unknown> {
    const text =
      "SELECT count(*)::integer AS count FROM citus_shards WHERE table_name = 'records'::regclass AND nodeport = $1";
    return (await coordinator.query(text, [port]))[0]?.count;
  }

  function nodesThatAreUp(): string[] {
    return gateway.database
      .nodeStates()
      .filter(({ isUp }) => isUp)
      .map(({ node }) => node)
      .sort();
  }

  const addresses = (servers: PostgresServer[]) => servers.map(({ port }) => `127.0.0.1:${port}`).sort();

  it('while a node is added, and gets its share of the shards', async () => {
    await progress(1);
    added = await cluster.addWorker(owner.url);
    await coordinator.query("SELECT citus_rebalance_start(rebalance_strategy := 'by_shard_count')");
    await coordinator.query('SELECT citus_rebalance_wait()');
    expect(await shardsOn(added.port)).toBe(1);
    await progress(1);
    const node = await Session.open(databaseUrl(added.url, 'operations'));
    expect(await node.query('SHOW citus.enable_fast_path_router_planner')).toEqual([
      { 'citus.enable_fast_path_router_planner': 'off' },
    ]);
    await node.close();
    const expected = addresses([cluster.coordinator, ...cluster.workers]);
    await expect.poll(nodesThatAreUp, atNextCheck).toEqual(expected);
  });

  it('while a node fails, and its standby takes over at another address', async () => {
    const [failed] = cluster.workers;
    if (failed === undefined) throw new Error('there is no worker');
    const pair = await PostgresPair.of(failed); // only a synchronous standby has every batch
    standby = pair.standby;
    await failed.stop('immediate');
    const remaining = [cluster.coordinator, ...cluster.workers].filter((server) => server !== failed);
    await expect.poll(nodesThatAreUp, atNextCheck).toEqual(addresses(remaining));
    await pair.promote();
    const move = 'SELECT citus_update_node(nodeid, $1, $2) FROM pg_dist_node WHERE nodename = $3 AND nodeport = $4';
    await coordinator.query(move, ['127.0.0.1', standby.port, '127.0.0.1', failed.port]);
    await progress(2);
    await expect.poll(nodesThatAreUp, atNextCheck).toEqual(addresses([...remaining, standby]));
  });

  it('while a node is emptied and removed', async () => {
    await coordinator.query("SELECT citus_set_node_property('127.0.0.1', $1, 'shouldhaveshards', false)", [added.port]);
    await coordinator.query('SELECT citus_rebalance_start(drain_only := true)');
    await coordinator.query('SELECT citus_rebalance_wait()');
    expect(await shardsOn(added.port)).toBe(0);
    await progress(1);
    await coordinator.query("SELECT citus_remove_node('127.0.0.1', $1)", [added.port]);
    await added.stop('immediate');
    await progress(1);
    await expect.poll(() => gateway.database.nodeStates().length, atNextCheck).toBe(3);
    expect(nodesThatAreUp()).toHaveLength(3);
  });

  it('which the versions of all records show', async () => {
    for (const writer of writers) await writer.stop();
    const versions = await Promise.all(writers.map(({ teamId, ids }) => owner.versions(teamId, ids)));
    expect(versions).toEqual(writers.map(({ batches, ids }) => ids.map(() => 1 + batches)));
  });
});

describe('a restore of all nodes to a restore point', { timeout: 180_000 }, () => {
  let cluster: CitusCluster;
  beforeAll(async () => {
    cluster = await CitusCluster.start(ARCHIVE_SETTINGS);
  }, 180_000);
  afterAll(() => cluster.remove());

  it('keeps what is older with its keys, and a retry applies what is later once', async () => {
    const servers = [cluster.coordinator, ...cluster.workers];
    const url = await cluster.createDatabase('restored');
    const before = await Engine.connect(url);
    const teamIds = [randomUUID()];
    while (teamIds.length < 2) {
      const other = randomUUID();
      const ports = await Promise.all([...teamIds, other].map((teamId) => portOf(before.session, teamId)));
      if (new Set(ports).size === 2) teamIds.push(other);
    }
    const teams = await Promise.all(
      teamIds.map(async (teamId) => ({ teamId, ids: await before.insert(teamId, 3), early: newKey(), late: newKey() })),
    );
    await Promise.all(servers.map((server) => server.backUp()));

    const early = await Promise.all(
      teams.map(async ({ teamId, ids, early: key }) => entriesOf(await before.apply(renames(teamId, ids), key))),
    );
    await before.session.query("SELECT citus_create_restore_point('nightly')");
    for (const { teamId, ids, late } of teams) {
      expect(codesOf(await before.apply(renames(teamId, ids), late))).toEqual(['ok', 'ok', 'ok']);
      expect(await before.versions(teamId, ids)).toEqual([3, 3, 3]);
    }
    await Promise.all(servers.map((server) => server.archiveWal()));
    await before.close();
    await Promise.all(servers.map((server) => server.stop('immediate')));
    await Promise.all(servers.map((server) => server.recover('nightly')));

    const after = await Engine.connect(url);
    try {
      for (const [index, { teamId, ids, early: key, late }] of teams.entries()) {
        expect(await after.versions(teamId, ids)).toEqual([2, 2, 2]);
        const replay = await after.apply(renames(teamId, ids), retryOf(key));
        expect([replay.state, entriesOf(replay)]).toEqual(['replayed', early[index]]);
        expect(codesOf(await after.apply(renames(teamId, ids), retryOf(late)))).toEqual(['ok', 'ok', 'ok']);
        expect((await after.apply(renames(teamId, ids), retryOf(late))).state).toBe('replayed');
        expect(await after.versions(teamId, ids)).toEqual([3, 3, 3]);
      }
    } finally {
      await after.close();
    }
  });
});
