import { expect, it } from 'vitest';
import { useGateway } from '../../support/gateway.hooks';
import { startImportWorker } from '../../support/import.worker';

const api = useGateway();

it('creates a job for 100 rows or more, which a worker finishes', async () => {
  const objects = Array.from({ length: 250 }, (_, i) => ({ default: { name: i % 50 === 0 ? i : `Row ${i}` } }));
  const accepted = await api.caller.call('POST', api.caller.path('organization/import'), { body: { objects } });
  expect(accepted.status).toBe(202);
  expect(accepted.body).toMatchObject({ status: 'processing', total: 250, processed: 0, results: [] });
  const location = String(accepted.headers.location);
  expect(location).toBe(`/v2/prism/${api.caller.teamId}/imports/${accepted.body.job_id}`);
  expect((await api.caller.call('GET', location)).text).toBe(accepted.text);

  const worker = startImportWorker(api.gateway.databaseUrl);
  await worker.runAll();
  await worker.close();
  const { body } = await api.caller.call('GET', location);
  expect(body).toMatchObject({ status: 'complete', total: 250, processed: 250, succeeded: 245, failed: 5 });
  expect(body.results.map(({ input_index }: { input_index: number }) => input_index)).toEqual(objects.map((_, i) => i));
  expect(body.results[50]).toMatchObject({ id: null, created: false, error: { code: 'invalid_property' } });
  expect((await api.caller.read(body.results[249].id)).record.default.name).toBe('Row 249');
});

it('returns the results of 10,000 rows with errors within the limit of a response', async () => {
  const objects = Array.from({ length: 10_000 }, (_, i) => ({
    default: Object.fromEntries(Array.from({ length: 12 }, (_property, n) => [`unknown_${i}_${n}`, 1])),
  }));
  const accepted = await api.caller.call('POST', api.caller.path('organization/import'), { body: { objects } });
  expect(accepted.status).toBe(202);
  const worker = startImportWorker(api.gateway.databaseUrl);
  await worker.runAll();
  await worker.close();
  const { text, body } = await api.caller.call('GET', String(accepted.headers.location));
  expect(body).toMatchObject({ status: 'complete', processed: 10_000, failed: 10_000 });
  expect(body.results[0].error.errors.length).toBeGreaterThan(5);
  expect(body.results[9_999].error).toEqual({
    code: 'unknown_property',
    message: expect.any(String),
    retryable: false,
  });
  expect(Buffer.byteLength(text)).toBeLessThan(16_777_216);
});
