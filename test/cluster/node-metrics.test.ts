/** @module-tag citus */
import { afterEach, describe, expect, inject, it } from 'vitest';
import { Instruments } from '#libs/telemetry';
import { isOfCluster, readDashboards, readRules } from '../deploy/monitoring.files';
import { familyOf, selectorsIn } from '../deploy/promql';
import { Cleanup } from '../support/cleanup';
import { ClusterSessions } from '../support/cluster.sessions';
import { batch, codesOf, Engine, rename } from '../support/engine';
import { startGateway } from '../support/gateway';

const POOL_SIZE = 2;
/** Nodes are checked every 10 s. */
const atNextCheck = { timeout: 25_000 };

let cleanup = new Cleanup();
afterEach(async () => {
  await cleanup.run();
  cleanup = new Cleanup();
});

function nodes(): string[] {
  return [inject('postgresUrl'), ...inject('workerUrls')].map((url) => new URL(url).host);
}

describe('the pools of a process on a cluster', () => {
  it('have at most DATABASE_POOL_SIZE connections to each node, and further calls wait', async () => {
    const engine = await Engine.start({ DATABASE_POOL_SIZE: String(POOL_SIZE), LOCK_TIMEOUT_MS: '20000' });
    cleanup.add(() => engine.close());
    engine.database.watchNodes();
    const sessions = await ClusterSessions.open(engine.url);
    cleanup.add(() => sessions.close());
    const [busy, quiet] = sessions.workers;
    if (busy === undefined || quiet === undefined) throw new Error('there are no two workers');
    const teamId = await sessions.teamOn(busy);
    const [id = ''] = await engine.insert(teamId, 1);

    expect(codesOf(await engine.apply(batch(teamId, [rename(id)])))).toEqual(['ok']);
    await expect.poll(() => engine.database.nodeStates().length, atNextCheck).toBe(nodes().length);

    await sessions.coordinator.query('BEGIN');
    await sessions.coordinator.query('SELECT FROM records WHERE team_id = $1 AND id = $2 FOR UPDATE', [teamId, id]);
    const updates = [1, 2, 3].map(() => engine.apply(batch(teamId, [rename(id)])));
    const calls = () =>
      engine.database.nodeStates().reduce((sum, { pool }) => sum + pool.total - pool.idle + pool.waiting, 0);
    await expect.poll(calls, { interval: 10 }).toBe(updates.length);
    const states = new Map(engine.database.nodeStates().map(({ node, isUp, pool }) => [node, { isUp, ...pool }]));
    const unused = { isUp: true, total: 0, idle: 0, discarded: 0, waiting: 0 };
    expect(Object.fromEntries(states)).toEqual({
      [new URL(inject('postgresUrl')).host]: unused,
      [`127.0.0.1:${quiet.port}`]: unused,
      [`127.0.0.1:${busy.port}`]: { ...unused, total: POOL_SIZE, waiting: 1 },
    });

    await sessions.coordinator.query('COMMIT');
    expect((await Promise.all(updates)).flatMap(codesOf)).toEqual(['ok', 'ok', 'ok']);
  });
});

describe('a gateway on a cluster', () => {
  it('has every metric of nodes that dashboards and alerts read, for each node', async () => {
    const gateway = await startGateway();
    cleanup.add(() => gateway.close());
    const caller = await gateway.newCaller();
    expect((await caller.call('GET', caller.path('organization'))).status).toBe(200);
    const instruments = gateway.app.get(Instruments);
    const nodesOf = async (metric: string): Promise<Set<string>> =>
      new Set(
        [...(await instruments.samples(metric)).keys()].map((labels) => /node="([^"]+)"/.exec(labels)?.[1] ?? ''),
      );
    await expect.poll(() => nodesOf('prism_database_node_up'), atNextCheck).toEqual(new Set(nodes()));
    const targets = readDashboards().flatMap(({ panels }) => panels.flatMap((panel) => panel.targets));
    const expressions = [...targets, ...readRules().alerts].map(({ expr }) => expr);
    const read = new Set(expressions.flatMap((expr) => selectorsIn(expr).map(({ metric }) => familyOf(metric))));
    const names = [...read].filter(isOfCluster);
    expect(names).toHaveLength(4);
    for (const name of names) expect(await nodesOf(name), name).toEqual(new Set(nodes()));
  });
});
