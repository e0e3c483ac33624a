import { Logger } from '@nestjs/common';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { readSettings } from '#libs/config';
import type { LookupDefinition } from '#libs/properties';
import type { RecordWriter } from '#libs/records';
import { Instruments } from '#libs/telemetry';
import { ImportJobMetrics, ImportMetrics } from './import.metrics';
import { ImportRunner } from './import.runner';
import type { SpellingResolver } from './spelling.resolver';
import type { ChunkAttempt, ImportJobRepository, LeasedJob } from './import-job.repository';

const job: LeasedJob = { teamId: 't', id: 'j', clientName: 'billing', objectType: 'deal', requestId: 'r' };
const settings = readSettings({ DATABASE_URL: 'postgres://localhost/prism', IMPORT_CONCURRENCY: '1' });
const { signal } = new AbortController();

const jobs = {
  claim: vi.fn<ImportJobRepository['claim']>(),
  renew: vi.fn<ImportJobRepository['renew']>(),
  release: vi.fn<ImportJobRepository['release']>(),
  takeChunk: vi.fn<ImportJobRepository['takeChunk']>(),
  lookupsOf: vi.fn<ImportJobRepository['lookupsOf']>(),
  storeChunk: vi.fn<ImportJobRepository['storeChunk']>(),
};
const primaryDomain: LookupDefinition = {
  ...({ id: 'p', slug: 'primary_domain', type: 'str', list_id: null } as const),
  ...({ lookup: 'indexed', lookup_state: 'ready' } as const),
};
const ofJob = vi.fn<SpellingResolver['ofJob']>();
const write = vi.fn<RecordWriter['write']>();

function attempt(chunk: number): ChunkAttempt {
  return { chunk, items: [], attempts: 1, overdue: false };
}

function createRunner(): ImportRunner {
  const instruments = new Instruments();
  return new ImportRunner(
    jobs as unknown as ImportJobRepository, // the runner calls nothing else
    { ofJob } as unknown as SpellingResolver,
    { write } as unknown as RecordWriter,
    new ImportMetrics(instruments),
    new ImportJobMetrics(instruments),
    settings,
  );
}

beforeEach(() => {
  vi.resetAllMocks();
  vi.useFakeTimers();
  Logger.overrideLogger(false);
  jobs.claim.mockResolvedValue(job);
  jobs.lookupsOf.mockResolvedValue([primaryDomain]);
});
afterEach(() => {
  vi.useRealTimers();
});

describe('a turn', () => {
  it('reads the spellings of the values of its job once, and again after that has failed', async () => {
    const match = { id: 'p', slug: 'primary_domain', kind: 'text', value: 'acme.example', indexed: true } as const;
    const properties = { primary_domain: 'acme.example' };
    const create = { op: 'create', id: 'r', properties, list: {}, extended: {} } as const;
    const items = [{ op: 'read', id: 'r', match, create, fold: true } as const];
    for (let chunk = 0; chunk < 4; chunk += 1) jobs.takeChunk.mockResolvedValueOnce({ ...attempt(chunk), items });
    ofJob.mockRejectedValueOnce(new Error('the database is unavailable'));
    ofJob.mockResolvedValue(new Map([['acme.example', ['ACME.example']]]));
    write.mockRejectedValue(new Error('failed'));
    await createRunner().runTurn(signal);
    expect(ofJob).toHaveBeenCalledTimes(2);
    const written = write.mock.calls.map(([plan]) => plan.items[0]);
    const spelled = {
      match: { ...match, value: 'ACME.example' },
      create: {
        ...{ ...create, properties: { primary_domain: 'ACME.example' } },
        lookups: [{ id: 'p', slug: 'primary_domain', kind: 'text' }],
      },
    };
    expect(written).toEqual(Array(3).fill({ ...items[0], ...spelled }));
    await createRunner().runTurn(signal);
    expect(ofJob).toHaveBeenCalledTimes(2); // no chunk needs it
  });

  it('renews the lease while a chunk runs, even after a renewal has failed, and takes no chunk after it is lost', async () => {
    jobs.renew.mockRejectedValueOnce(new Error('the database is unavailable')).mockResolvedValueOnce(true);
    jobs.renew.mockResolvedValue(false);
    jobs.takeChunk.mockResolvedValue(attempt(0));
    write.mockImplementation(async () => {
      await vi.advanceTimersByTimeAsync(10_000);
      throw new Error('failed');
    });
    expect(await createRunner().runTurn(signal)).toBe(true);
    expect(jobs.renew).toHaveBeenCalledTimes(3);
    expect(jobs.takeChunk).toHaveBeenCalledTimes(1);
    expect(jobs.release).toHaveBeenCalledTimes(1);
  });

  it('ends after a while, so that other jobs get their turn', async () => {
    jobs.takeChunk.mockImplementation(() => Promise.resolve(attempt(jobs.takeChunk.mock.calls.length)));
    write.mockImplementation(async () => {
      await vi.advanceTimersByTimeAsync(1_000);
      throw new Error('failed');
    });
    await createRunner().runTurn(signal);
    expect(jobs.takeChunk).toHaveBeenCalledTimes(2);
  });

  it('leaves the job to the end of the lease if the database fails', async () => {
    jobs.takeChunk.mockRejectedValue(new Error('the database is unavailable'));
    await expect(createRunner().runTurn(signal)).rejects.toThrow('unavailable');
    expect(jobs.release).not.toHaveBeenCalled();
    expect(vi.getTimerCount()).toBe(0);
  });
});
