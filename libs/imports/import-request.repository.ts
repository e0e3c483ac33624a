import { Inject, Injectable } from '@nestjs/common';
import { Settings } from '#libs/config';
import {
  type CheckoutOptions,
  Database,
  type DatabaseClient,
  SQL_STATES,
  sqlStateOf,
  type Statement,
  statement,
} from '#libs/database';
import { RequestError } from '#libs/errors';
import { type LedgerKey, STALE_SECONDS } from '#libs/idempotency';
import type { ObjectType } from '#libs/properties';
import type { ImportChunk } from './import.chunks';
import type { ImportItem } from './import.plan';

/** `Retry-After` of an import that is rejected because its client has too many unfinished jobs. */
const RETRY_AFTER_SECONDS = 5;

/** An import to create. */
export interface NewImport {
  readonly teamId: string;
  readonly objectType: ObjectType;
  readonly jobId: string;
  readonly client: { readonly id: string; readonly name: string };
  readonly requestId: string;
  /** The caller imports the rows itself. Otherwise a worker does. */
  readonly withinRequest: boolean;
  readonly chunks: readonly ImportChunk[];
  readonly key: LedgerKey | undefined;
}

/**
 * - `created`: a new job. `body`: of the response, unless it is done within the request
 * - `resume`: an earlier attempt has created this job and not finished it
 * - `complete`: an earlier attempt has completed the request, with this body
 */
export type CreatedImport =
  | { readonly state: 'created'; readonly jobId: string; readonly body: string | undefined }
  | { readonly state: 'resume'; readonly jobId: string; readonly items: ImportItem[] }
  | { readonly state: 'complete'; readonly body: string };

interface CreatedRow {
  state: 'created' | 'resume' | 'complete' | 'full' | 'mismatch' | 'stale';
  job_id: string | null;
  items: string | null;
  body: string | null;
}

const CREATE = statement(__dirname, 'create_import_job');
const CREATE_CHUNK = statement(__dirname, 'create_import_chunk');
const COMPLETE_REQUEST = statement(__dirname, 'complete_import_request');
const FIND = statement(__dirname, 'find_import_job');

/** Creates and reads imports, for callers. */
@Injectable()
export class ImportRequestRepository {
  constructor(
    @Inject(Database) private readonly database: Database,
    @Inject(Settings) private readonly settings: Settings,
  ) {}

  /**
   * Creates a job and its request in the ledger in one transaction, chunk after chunk, or finds those of an earlier attempt.
   *
   * @param alsoWrite writes what else belongs to a new job, in the same transaction. If it returns false, nothing is created
   * @returns undefined if `alsoWrite` has returned false
   * @throws RequestError `rate_limited` if the client has too many unfinished jobs; `idempotency_key_mismatch`,
   *   `idempotency_key_stale`, `idempotency_key_in_use`
   * @throws DatabaseUnavailable
   */
  async create(
    job: NewImport,
    options: CheckoutOptions,
    alsoWrite?: (client: DatabaseClient) => Promise<boolean>,
  ): Promise<CreatedImport | undefined> {
    const { key, chunks } = job;
    const values = [
      ...[job.teamId, job.jobId, job.client.id, job.client.name, job.objectType, job.withinRequest],
      ...[chunks.slice(0, 1).map(chunkText), chunks.map(({ length }) => length)],
      ...[this.settings.importMaxJobs, this.settings.lockTimeoutMs],
      ...[key?.keyHash ?? null, key?.fingerprint ?? null, this.settings.idempotencyTtlSeconds, STALE_SECONDS],
      job.requestId,
    ];
    const row = await this.database.withClient(
      async (client) => {
        if (chunks.length === 1 && alsoWrite === undefined) return callLedger<CreatedRow>(client, CREATE, values);
        await client.query('BEGIN');
        const created = await callLedger<CreatedRow>(client, CREATE, values);
        if (created.state === 'created') await createChunks(client, job);
        const isKept = created.state !== 'created' || alsoWrite === undefined || (await alsoWrite(client));
        await client.query(isKept ? 'COMMIT' : 'ROLLBACK');
        return isKept ? created : undefined;
      },
      { ...options, teamId: job.teamId },
    );
    if (row === undefined) return undefined;
    const { state, job_id: jobId, items, body } = row;
    if (state === 'full') throw this.tooManyJobs();
    if (state === 'mismatch') throw new RequestError('idempotency_key_mismatch');
    if (state === 'complete') return { state, body: body ?? '' };
    // A request whose job is gone has expired since.
    if (state === 'stale' || jobId === null) throw new RequestError('idempotency_key_stale');
    if (state === 'created') return { state, jobId, body: body ?? undefined };
    return { state, jobId, items: JSON.parse(items ?? '[]') as ImportItem[] }; // written by this method
  }

  /**
   * Completes the request of an import that was done within the request.
   *
   * @returns the body of the response: that of the first attempt that completed the request
   * @throws RequestError `idempotency_key_stale`, `idempotency_key_in_use`
   * @throws DatabaseUnavailable
   */
  async completeRequest(
    teamId: string,
    jobId: string,
    { clientId, keyHash, requestId }: LedgerKey,
    body: string,
    options: CheckoutOptions,
  ): Promise<string> {
    const values = [teamId, jobId, clientId, keyHash, this.settings.lockTimeoutMs, requestId, body];
    const row = await this.database.withClient(
      (client) => callLedger<{ state: 'complete' | 'stale'; body: string }>(client, COMPLETE_REQUEST, values),
      { ...options, teamId },
    );
    if (row.state === 'stale') throw new RequestError('idempotency_key_stale');
    return row.body;
  }

  /** A job as JSON text; undefined if the team has no job with the id, or it has expired. */
  async find(teamId: string, jobId: string, options: CheckoutOptions): Promise<string | undefined> {
    const { rows } = await this.database.query<{ job: string }>(FIND, [teamId, jobId], {
      ...options,
      teamId,
      isReadOnly: true,
    });
    return rows[0]?.job;
  }

  private tooManyJobs(): RequestError {
    const message = `The client has ${this.settings.importMaxJobs} unfinished imports, which is the maximum. Nothing was done. Send the import again when one of them is complete.`;
    return new RequestError('rate_limited', message, { retryAfterSeconds: RETRY_AFTER_SECONDS });
  }
}

/** Creates the chunks after the first one, each as text of its own: all of them together would take several times their size. */
async function createChunks(client: DatabaseClient, { teamId, jobId, chunks }: NewImport): Promise<void> {
  for (const [index, chunk] of chunks.entries()) {
    if (index > 0) await client.query(CREATE_CHUNK, [teamId, jobId, index, chunk.length, chunkText(chunk)]);
  }
}

function chunkText(chunk: ImportChunk): string {
  return `[${chunk.join(',')}]`;
}

/** Runs a function that takes a lock of the ledger, which another attempt at the request may hold. */
async function callLedger<R extends object>(
  client: DatabaseClient,
  query: Statement,
  values: readonly unknown[],
): Promise<R> {
  try {
    const [row] = (await client.query<R>(query, values)).rows;
    if (row === undefined) throw new Error(`${query.name} returned no row`);
    return row;
  } catch (error) {
    if (sqlStateOf(error) !== SQL_STATES.lockNotAvailable) throw error;
    throw new RequestError('idempotency_key_in_use', undefined, { retryAfterSeconds: 1 });
  }
}
