import { describe, expect, it } from 'vitest';
import { Instruments } from '#libs/telemetry';
import { DatabaseMetrics } from './database.metrics';

describe('DatabaseMetrics', () => {
  it.each([
    ['prism_database_errors_total', 4],
    ['prism_database_pool_connections', 9],
    ['prism_database_pool_waiting', 3],
  ])('starts %s at 0 for its %i label sets', async (name, size) => {
    const instruments = new Instruments();
    new DatabaseMetrics(instruments);
    const samples = await instruments.samples(name);
    expect(samples.size).toBe(size);
    expect(new Set(samples.values())).toEqual(new Set([0]));
  });

  it('reports whether commits wait for a standby from the first connection on', async () => {
    const instruments = new Instruments();
    let waits: boolean | undefined;
    new DatabaseMetrics(instruments).observeStandby(() => waits);
    const value = async () => (await instruments.samples('prism_database_waits_for_standby')).get('');
    expect(await value()).toBeUndefined();
    waits = true;
    expect(await value()).toBe(1);
    waits = false;
    expect(await value()).toBe(0);
  });

  it('counts errors by kind', async () => {
    const instruments = new Instruments();
    new DatabaseMetrics(instruments).countDatabaseError('timeout');
    expect((await instruments.samples('prism_database_errors_total')).get('{kind="timeout"}')).toBe(1);
  });

  it('reads the state of a pool at each scrape', async () => {
    const instruments = new Instruments();
    const pool = { total: 10, idle: 4, discarded: 0, waiting: 0 };
    new DatabaseMetrics(instruments).observePool('data', () => pool);
    const connections = async () => Object.fromEntries(await instruments.samples('prism_database_pool_connections'));
    expect(await connections()).toMatchObject({ '{pool="data",state="idle"}': 4 });
    Object.assign(pool, { idle: 0, waiting: 6 });
    expect(await connections()).toMatchObject({
      '{pool="data",state="total"}': 10,
      '{pool="data",state="idle"}': 0,
    });
    expect((await instruments.samples('prism_database_pool_waiting')).get('{pool="data"}')).toBe(6);
  });

  it('has series for the nodes of a cluster only, and for those that it has now', async () => {
    const instruments = new Instruments();
    const metrics = new DatabaseMetrics(instruments);
    const names = ['up', 'connections', 'connections_max', 'waiting'].map((name) => `prism_database_node_${name}`);
    const series = async () =>
      Object.fromEntries(
        (await Promise.all(names.map((name) => instruments.samples(name)))).flatMap((one) => [...one]),
      );
    expect(await series()).toEqual({});
    const pool = { total: 9, idle: 2, discarded: 1, waiting: 5 };
    let nodes = [
      { node: 'a:5432', isUp: true, pool },
      { node: 'b:5432', isUp: false, pool: { ...pool, total: 3, waiting: 0 } },
    ];
    metrics.observeNodes(10, () => nodes);
    const ofNode = async (name: string) => Object.fromEntries(await instruments.samples(`prism_database_node_${name}`));
    expect(await ofNode('up')).toEqual({ '{node="a:5432"}': 1, '{node="b:5432"}': 0 });
    expect(await ofNode('connections')).toMatchObject({
      '{node="a:5432",state="total"}': 9,
      '{node="a:5432",state="idle"}': 2,
      '{node="a:5432",state="discarded"}': 1,
      '{node="b:5432",state="total"}': 3,
    });
    expect(await ofNode('connections_max')).toEqual({ '{node="a:5432"}': 10, '{node="b:5432"}': 10 });
    expect(await ofNode('waiting')).toEqual({ '{node="a:5432"}': 5, '{node="b:5432"}': 0 });
    nodes = nodes.slice(1);
    for (const name of names) expect([...(await instruments.samples(name)).keys()].join()).not.toContain('a:5432');
  });
});
