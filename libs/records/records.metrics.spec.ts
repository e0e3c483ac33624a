import { beforeEach, describe, expect, it } from 'vitest';
import { ClientLabel } from '#libs/auth';
import { Instruments } from '#libs/telemetry';
import { RecordsMetrics } from './records.metrics';

describe('RecordsMetrics', () => {
  let instruments: Instruments;
  let metrics: RecordsMetrics;

  beforeEach(() => {
    instruments = new Instruments();
    metrics = new RecordsMetrics(instruments, new ClientLabel({ metricsMaxClients: 1 }));
  });

  it('counts items by operation, object type, outcome and code', async () => {
    metrics.countItems('billing', 'update', 'deal', 'ok', 'none', 97);
    metrics.countItems('billing', 'update', 'deal', 'error', 'locked', 3);
    metrics.countItems('billing', 'update', 'deal', 'error', 'locked', 2);
    const items = await instruments.samples('prism_batch_items_total');
    expect(items.get('{operation="update",object_type="deal",outcome="ok",code="none"}')).toBe(97);
    expect(items.get('{operation="update",object_type="deal",outcome="error",code="locked"}')).toBe(5);
    expect(items.get('{operation="delete",object_type="deal",outcome="error",code="locked"}')).toBe(0);
  });

  it('starts the watched outcomes at 0, within 800 series', async () => {
    const items = await instruments.samples('prism_batch_items_total');
    expect([...items.values()].every((value) => value === 0)).toBe(true);
    // 20 outcomes of each kind of batch, six of single writes, for each of nine object types.
    expect(items.size).toBe((3 * 20 + 4 * 6) * 9);
  });

  it('starts batches at 0 for every label set', async () => {
    const batches = await instruments.samples('prism_batches_total');
    expect(batches.size).toBe(9);
    expect(new Set(batches.values())).toEqual(new Set([0]));
  });

  it('observes durations in seconds and batches by size', async () => {
    metrics.observeItems('update', 'ok', [0.00004]);
    metrics.observeBatch('update', 'partial', 100, 0.02);
    const item = await instruments.samples('prism_batch_item_duration_seconds');
    expect(item.get('_bucket{le="0.00005",operation="update",outcome="ok"}')).toBe(1);
    const size = await instruments.samples('prism_batch_size_items');
    expect(size.get('_bucket{le="75",operation="update"}')).toBe(0);
    expect(size.get('_bucket{le="100",operation="update"}')).toBe(1);
    const batch = await instruments.samples('prism_batch_duration_seconds');
    expect(batch.get('_sum{operation="update"}')).toBe(0.02);
    const batches = await instruments.samples('prism_batches_total');
    expect(batches.get('{operation="update",result="partial"}')).toBe(1);
  });

  it('counts items by the bounded name of the client', async () => {
    metrics.countItems('billing', 'update', 'deal', 'error', 'locked', 3);
    metrics.countItems('crm', 'update', 'deal', 'ok', 'none', 2);
    expect(Object.fromEntries(await instruments.samples('prism_client_items_total'))).toEqual({
      '{client="billing",outcome="error",code="locked"}': 3,
      '{client="other",outcome="ok",code="none"}': 2,
    });
  });
});
