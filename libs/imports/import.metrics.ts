import { Injectable } from '@nestjs/common';
import { Instruments } from '#libs/telemetry';
import type { RowResults } from './import.result';

const ROW_OUTCOMES = ['created', 'updated', 'existing', 'error'] as const;
const JOB_RESULTS = ['complete', 'failed'] as const;
type JobResult = (typeof JOB_RESULTS)[number];
const CHUNK_RESULTS = ['done', 'retry', 'failed'] as const;
type ChunkResult = (typeof CHUNK_RESULTS)[number];

/** Metrics of imported rows, in gateways and workers. */
@Injectable()
export class ImportMetrics {
  private readonly rows;

  constructor(instruments: Instruments) {
    this.rows = instruments.counter(
      'prism_import_rows_total',
      'Rows of imports that have their result, by outcome. `existing`: the row matched a record, which was not updated.',
      { outcome: ROW_OUTCOMES },
    );
    for (const outcome of ROW_OUTCOMES) this.rows.inc({ outcome }, 0);
  }

  countRows({ succeeded, failed, created, updated }: RowResults): void {
    this.rows.inc({ outcome: 'created' }, created);
    this.rows.inc({ outcome: 'updated' }, updated);
    this.rows.inc({ outcome: 'existing' }, succeeded - created - updated);
    this.rows.inc({ outcome: 'error' }, failed);
  }
}

/** What is left to import, of all teams. */
export interface ImportBacklog {
  readonly jobs: number;
  readonly rows: number;
  /** Age of the oldest unfinished job in seconds; 0 without one. */
  readonly oldestSeconds: number;
}

/** Metrics of the jobs that workers run. */
@Injectable()
export class ImportJobMetrics {
  private readonly jobs;
  private readonly chunks;
  private readonly unfinishedJobs;
  private readonly unfinishedRows;
  /** When the oldest unfinished job was created, on the clock of `performance.now()`; undefined without one. */
  private oldestSince: number | undefined;

  constructor(instruments: Instruments) {
    this.jobs = instruments.counter(
      'prism_import_jobs_total',
      'Import jobs that this worker finished. `failed`: the job was not finished within 6 days.',
      { result: JOB_RESULTS },
    );
    this.chunks = instruments.counter(
      'prism_import_chunks_total',
      'Attempts at chunks of import jobs. `retry`: the chunk is attempted again later. `failed`: its remaining rows failed.',
      { result: CHUNK_RESULTS },
    );
    this.unfinishedJobs = instruments.gauge(
      'prism_import_unfinished_jobs',
      'Import jobs that are not finished. Every worker reports the same number.',
      {},
    );
    this.unfinishedRows = instruments.gauge(
      'prism_import_unfinished_rows',
      'Rows of import jobs that have no result yet. Every worker reports the same number.',
      {},
    );
    instruments.gauge(
      'prism_import_oldest_job_seconds',
      'Age of the oldest import job that is not finished; 0 without one. The age keeps growing while the worker cannot read the jobs.',
      {},
      (gauge) => {
        gauge.set(this.oldestSince === undefined ? 0 : (performance.now() - this.oldestSince) / 1_000);
      },
    );
    for (const result of JOB_RESULTS) this.jobs.inc({ result }, 0);
    for (const result of CHUNK_RESULTS) this.chunks.inc({ result }, 0);
  }

  countJob(result: JobResult): void {
    this.jobs.inc({ result });
  }

  countChunk(result: ChunkResult): void {
    this.chunks.inc({ result });
  }

  setBacklog({ jobs, rows, oldestSeconds }: ImportBacklog): void {
    this.unfinishedJobs.set(jobs);
    this.unfinishedRows.set(rows);
    this.oldestSince = jobs === 0 ? undefined : performance.now() - oldestSeconds * 1_000;
  }
}
