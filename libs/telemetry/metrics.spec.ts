import { describe, expect, it } from 'vitest';
import { Metrics } from './metrics';

/** The samples of one metric as they are served, e.g. `{result="stale"}` → 0. */
async function samples(metrics: Metrics, name: string): Promise<Map<string, number>> {
  const text = await metrics.registry.getSingleMetricAsString(name);
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(lines.map((line) => [line.slice(name.length, line.lastIndexOf(' ')), Number(line.split(' ').at(-1))]));
}

describe('Metrics', () => {
  it('adds items by operation, object type, outcome and code', async () => {
    const metrics = new Metrics();
    metrics.countItems('billing', 'update', 'deal', 'ok', 'none', 97);
    metrics.countItems('billing', 'update', 'deal', 'error', 'locked', 3);
    metrics.countItems('billing', 'update', 'deal', 'error', 'locked', 2);
    const items = await samples(metrics, 'prism_batch_items_total');
    expect(items.get('{operation="update",object_type="deal",outcome="ok",code="none"}')).toBe(97);
    expect(items.get('{operation="update",object_type="deal",outcome="error",code="locked"}')).toBe(5);
    expect(items.get('{operation="delete",object_type="deal",outcome="error",code="locked"}')).toBe(0);
  });

  it('starts every known outcome at 0, within 500 series', async () => {
    const items = await samples(new Metrics(), 'prism_batch_items_total');
    expect([...items.values()].every((value) => value === 0)).toBe(true);
    // Of update and delete 20 outcomes, of create and patch six, for each of nine object types.
    expect(items.size).toBe((2 * 20 + 2 * 6) * 9);
  });

  it.each([
    ['prism_batches_total', 6],
    ['prism_idempotency_requests_total', 7],
    ['prism_auth_failures_total', 7],
    ['prism_database_errors_total', 3],
    ['prism_redis_errors_total', 3],
    ['prism_ready', 1],
    ['prism_database_pool_connections', 4],
    ['prism_database_pool_waiting', 2],
  ])('starts %s at 0 for its %i label sets', async (name, size) => {
    const start = await samples(new Metrics(), name);
    expect(start.size).toBe(size);
    expect(new Set(start.values())).toEqual(new Set([0]));
  });

  it('keeps durations in seconds and batches by size', async () => {
    const metrics = new Metrics();
    metrics.observeItems('update', 'ok', [0.00004]);
    metrics.observeBatch('update', 'partial', 100, 0.02);
    const item = await samples(metrics, 'prism_batch_item_duration_seconds');
    expect(item.get('_bucket{le="0.00005",operation="update",outcome="ok"}')).toBe(1);
    const size = await samples(metrics, 'prism_batch_size_items');
    expect(size.get('_bucket{le="75",operation="update"}')).toBe(0);
    expect(size.get('_bucket{le="100",operation="update"}')).toBe(1);
    const batch = await samples(metrics, 'prism_batch_duration_seconds');
    expect(batch.get('_sum{operation="update"}')).toBe(0.02);
    expect((await samples(metrics, 'prism_batches_total')).get('{operation="update",result="partial"}')).toBe(1);
  });

  it('gives a request that no route matched, or with a made-up method, no label of its own', async () => {
    const metrics = new Metrics();
    metrics.countRequest('GET', '/v2/prism/:team/:object', 200, 0.01);
    metrics.countRequest('PROPFIND', undefined, 404, 0.01);
    metrics.countRequest('BREW', undefined, 404, 0.01);
    expect(Object.fromEntries(await samples(metrics, 'prism_http_requests_total'))).toEqual({
      '{method="GET",route="/v2/prism/:team/:object",status="200"}': 1,
      '{method="other",route="unmatched",status="404"}': 2,
    });
  });

  it('counts refusals and faults by their kind', async () => {
    const metrics = new Metrics();
    metrics.countIdempotency('in_use');
    metrics.countAuthFailure('revoked');
    metrics.countDatabaseError('timeout');
    metrics.countRedisError('connection');
    metrics.setRedisUp(true);
    expect((await samples(metrics, 'prism_idempotency_requests_total')).get('{result="in_use"}')).toBe(1);
    expect((await samples(metrics, 'prism_auth_failures_total')).get('{reason="revoked"}')).toBe(1);
    expect((await samples(metrics, 'prism_database_errors_total')).get('{kind="timeout"}')).toBe(1);
    expect((await samples(metrics, 'prism_redis_errors_total')).get('{kind="connection"}')).toBe(1);
    expect((await samples(metrics, 'prism_redis_up')).get('')).toBe(1);
    metrics.setRedisUp(false);
    expect((await samples(metrics, 'prism_redis_up')).get('')).toBe(0);
  });

  it('says nothing of a Redis that there is not', async () => {
    expect(await samples(new Metrics(), 'prism_redis_up')).toEqual(new Map());
  });

  it('asks at every scrape whether the process is ready', async () => {
    const metrics = new Metrics();
    let able = true;
    metrics.observeReadiness(() => Promise.resolve(able));
    expect((await samples(metrics, 'prism_ready')).get('')).toBe(1);
    able = false;
    expect((await samples(metrics, 'prism_ready')).get('')).toBe(0);
  });

  it('counts requests and items by the name of the client, where there is one', async () => {
    const metrics = new Metrics();
    metrics.countRequest('POST', '/v2/prism/:team/:object', 201, 0.02, 'billing');
    metrics.countRequest('GET', '/health/live', 200, 0.001);
    metrics.countItems('billing', 'update', 'deal', 'error', 'locked', 3);
    expect(Object.fromEntries(await samples(metrics, 'prism_client_requests_total'))).toEqual({
      '{client="billing",status="201"}': 1,
    });
    expect(Object.fromEntries(await samples(metrics, 'prism_client_items_total'))).toEqual({
      '{client="billing",outcome="error",code="locked"}': 3,
    });
    const seconds = await samples(metrics, 'prism_client_request_duration_seconds');
    expect(seconds.get('_bucket{le="0.05",client="billing"}')).toBe(1);
  });

  it('keeps the clients that it was the first to see apart, and the others together', async () => {
    const metrics = new Metrics(2);
    for (const client of ['billing', 'crm', 'import', 'export', 'billing']) {
      metrics.countRequest('GET', '/v2/prism/:team/:object', 200, 0.01, client);
    }
    expect(Object.fromEntries(await samples(metrics, 'prism_client_requests_total'))).toEqual({
      '{client="billing",status="200"}': 2,
      '{client="crm",status="200"}': 1,
      '{client="other",status="200"}': 2,
    });
  });

  it('reads the pool at every scrape', async () => {
    const metrics = new Metrics();
    const pool = { total: 10, idle: 4, waiting: 0 };
    metrics.observePool('data', () => pool);
    expect((await samples(metrics, 'prism_database_pool_connections')).get('{pool="data",state="idle"}')).toBe(4);
    Object.assign(pool, { idle: 0, waiting: 6 });
    const connections = await samples(metrics, 'prism_database_pool_connections');
    expect(Object.fromEntries(connections)).toMatchObject({
      '{pool="data",state="total"}': 10,
      '{pool="data",state="idle"}': 0,
    });
    expect((await samples(metrics, 'prism_database_pool_waiting')).get('{pool="data"}')).toBe(6);
  });

  it('says which build runs on which Node', async () => {
    const info = await samples(new Metrics(), 'prism_build_info');
    expect([...info]).toEqual([[expect.stringMatching(/^\{version="\d+\.\d+\.\d+",node="v\d+\./), 1]]);
  });

  it('shares nothing between two apps of one process', async () => {
    const [one, other] = [new Metrics(), new Metrics()];
    one.countAuthFailure('missing');
    expect((await samples(other, 'prism_auth_failures_total')).get('{reason="missing"}')).toBe(0);
  });

  it('has the delay of the event loop', async () => {
    expect(await new Metrics().registry.metrics()).toContain('nodejs_eventloop_lag_p99_seconds');
  });
});
