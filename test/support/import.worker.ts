import { inject } from 'vitest';
import { ClientLabel } from '#libs/auth';
import { readSettings } from '#libs/config';
import { openDatabase } from '#libs/database';
import { ImportJobMetrics, ImportJobRepository, ImportMetrics, ImportRunner, SpellingResolver } from '#libs/imports';
import { RecordRepository, RecordsMetrics, RecordWriter } from '#libs/records';
import { Instruments } from '#libs/telemetry';
import { roleUrl } from './server.database';

/** The import jobs of a worker, without its process and its loop. */
export interface ImportWorker {
  readonly jobs: ImportJobRepository;
  readonly runner: ImportRunner;
  readonly records: RecordRepository;
  readonly metrics: ImportJobMetrics;
  /** Runs turns until no job can be attempted now. */
  runAll(): Promise<void>;
  /** A metric by labels, `{result="done"}` → 1. */
  metric(name: string): Promise<Map<string, number>>;
  close(): Promise<void>;
}

/**
 * Connects as the role of workers.
 *
 * @param url of the database, as the owner of the tables
 * @param settings by environment variable
 */
export function startImportWorker(url: string, settings: Record<string, string> = {}): ImportWorker {
  const read = readSettings({ DATABASE_URL: roleUrl(url, inject('workerRole')), ...settings });
  const database = openDatabase(read);
  const instruments = new Instruments();
  const jobs = new ImportJobRepository(database, read);
  const records = new RecordRepository(database, read);
  const writer = new RecordWriter(records, new RecordsMetrics(instruments, new ClientLabel(read)));
  const metrics = new ImportJobMetrics(instruments);
  const runner = new ImportRunner(
    jobs,
    new SpellingResolver(database),
    writer,
    new ImportMetrics(instruments),
    metrics,
    read,
  );
  const { signal } = new AbortController();
  return {
    ...{ jobs, runner, records, metrics },
    runAll: async () => {
      while (await runner.runTurn(signal));
    },
    metric: (name) => instruments.samples(name),
    close: () => database.close(),
  };
}
