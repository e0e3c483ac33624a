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
});
