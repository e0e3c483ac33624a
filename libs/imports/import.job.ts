import { createHash } from 'node:crypto';
import type { LedgerKey } from '#libs/idempotency';

/** The maximum number of rows of an import. */
export const MAX_ROWS = 10_000;
/** An import with fewer rows is done within the request: it is one chunk. */
export const MIN_JOB_ROWS = 100;

/** How long a job is kept, and so how long the keys of its chunks must live. `create_import_job` has the same. */
const JOB_SECONDS = 7 * 86_400;

/**
 * The key of a chunk in the ledger. Its client is the job: no client has this id, so no `Idempotency-Key` stands for the same
 * request. It lives as long as the job.
 */
export function chunkKey(jobId: string, chunk: number, requestId: string): LedgerKey {
  return {
    clientId: jobId,
    keyHash: createHash('sha256').update(`import chunk ${chunk}`).digest(),
    fingerprint: createHash('sha256').update(jobId).digest(),
    requestId,
    lifetimeSeconds: JOB_SECONDS,
  };
}

/** Counts of the rows of an import. */
export interface RowCounts {
  readonly succeeded: number;
  readonly failed: number;
}

/**
 * The finished job of an import that was done within the request, as JSON text. Nothing of it is kept, so it has no id and expires at
 * once. `import_job_json` of the database builds the same shape for jobs that are kept.
 *
 * @param results elements of a JSON array
 */
export function jobDoneWithinRequest(
  { succeeded, failed }: RowCounts,
  results: string,
  startedAt: Date,
  endedAt: Date,
): string {
  const total = succeeded + failed;
  const head = {
    ...{ job_id: null, status: 'complete', total, processed: total, succeeded, failed },
    ...{ created_at: startedAt, updated_at: endedAt, expires_at: endedAt },
  };
  return `${JSON.stringify(head).slice(0, -1)},"results":[${results}]}`;
}
