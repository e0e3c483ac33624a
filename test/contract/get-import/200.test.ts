import { expect, it, vi } from 'vitest';
import { useGateway } from '../../support/gateway.hooks';
import { startImportWorker } from '../../support/import.worker';

const api = useGateway();

it('returns the results of the rows that are done while the job is running', async () => {
  const objects = Array.from({ length: 300 }, (_, i) => ({ default: { name: `Row ${i}` } }));
  const { body: job } = await api.caller.call('POST', api.caller.path('organization/import'), { body: { objects } });
  expect(job.status).toBe('processing');

  const worker = startImportWorker(api.gateway.databaseUrl, { IMPORT_CONCURRENCY: '1' });
  const stop = new AbortController();
  const store = worker.jobs.storeChunk.bind(worker.jobs);
  vi.spyOn(worker.jobs, 'storeChunk').mockImplementation((...chunk) => {
    stop.abort(); // the turn ends after the first chunk
    return store(...chunk);
  });
  await worker.runner.runTurn(stop.signal);
  await worker.close();

  const { status, body } = await api.caller.call('GET', api.caller.path(`imports/${job.job_id}`));
  expect(status).toBe(200);
  expect(body).toMatchObject({ job_id: job.job_id, status: 'processing', total: 300, processed: 100, succeeded: 100 });
  expect(body.results).toHaveLength(100);
  expect(Date.parse(body.expires_at) - Date.parse(body.created_at)).toBe(7 * 86_400_000);
});
