import fc from 'fast-check';
import { Histogram, Registry } from 'prom-client';
import { describe, expect, it } from 'vitest';
import { BatchHistogram } from './batch.histogram';

const BOUNDS = [0.001, 0.01, 0.5, 1];
const seconds = fc.oneof(fc.constantFrom(...BOUNDS, 0), fc.double({ min: 0, max: 2, noNaN: true }));

describe('BatchHistogram', () => {
  it('serves the same text as a histogram of prom-client', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(fc.constantFrom('ok', 'error'), fc.array(seconds))), async (batches) => {
        const [actual, expected] = [new Registry(), new Registry()];
        const batchHistogram = new BatchHistogram('seconds', 'How long.', BOUNDS, actual);
        const histogram = new Histogram({
          name: 'seconds',
          help: 'How long.',
          labelNames: ['operation', 'outcome'],
          buckets: BOUNDS,
          registers: [expected],
        });
        for (const [outcome, values] of batches) {
          const labels = { operation: 'update', outcome };
          batchHistogram.observe(labels, values);
          for (const value of values) histogram.observe(labels, value);
        }
        expect(await actual.metrics()).toBe(await expected.metrics());
      }),
    );
  });

  it('serves a series without observations as 0', async () => {
    const registry = new Registry();
    new BatchHistogram<'outcome'>('seconds', 'How long.', [1], registry).zero({ outcome: 'ok' });
    expect(await registry.getSingleMetricAsString('seconds')).toContain('seconds_count{outcome="ok"} 0');
  });
});
