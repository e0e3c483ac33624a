import { expect, it, vi } from 'vitest';
import { Instruments } from '#libs/telemetry';
import { LookupMetrics } from './lookup.metrics';

it('reports lookups by state, and the age of the oldest change as it grows', async () => {
  const now = vi.spyOn(performance, 'now').mockReturnValue(100_000);
  const instruments = new Instruments();
  const metrics = new LookupMetrics(instruments);
  const lookups = (): Promise<Map<string, number>> => instruments.samples('prism_lookups_unfinished');
  const age = async (): Promise<number | undefined> =>
    (await instruments.samples('prism_lookup_oldest_change_seconds')).get('');
  expect([...(await lookups()).values()]).toEqual([0, 0, 0, 0]);
  expect(await age()).toBe(0);
  metrics.setBacklog({ building: 2, verifying: 1, removing: 0, failed: 3, oldestSeconds: 30 });
  now.mockReturnValue(105_000);
  expect(Object.fromEntries(await lookups())).toEqual({
    '{state="building"}': 2,
    '{state="verifying"}': 1,
    '{state="removing"}': 0,
    '{state="failed"}': 3,
  });
  expect(await age()).toBe(35);
  metrics.setBacklog({ building: 0, verifying: 0, removing: 0, failed: 3, oldestSeconds: 0 });
  expect(await age()).toBe(0);
  now.mockRestore();
});
