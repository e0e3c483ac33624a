import { expect, it, vi } from 'vitest';
import { Instruments } from '#libs/telemetry';
import { ImportJobMetrics } from './import.metrics';

it('the age of the oldest job grows until the backlog is read again', async () => {
  const now = vi.spyOn(performance, 'now').mockReturnValue(100_000);
  const instruments = new Instruments();
  const metrics = new ImportJobMetrics(instruments);
  const age = async (): Promise<number | undefined> =>
    (await instruments.samples('prism_import_oldest_job_seconds')).get('');
  expect(await age()).toBe(0);
  metrics.setBacklog({ jobs: 1, rows: 10, oldestSeconds: 30 });
  now.mockReturnValue(105_000);
  expect(await age()).toBe(35);
  metrics.setBacklog({ jobs: 0, rows: 0, oldestSeconds: 0 });
  expect(await age()).toBe(0);
  now.mockRestore();
});
