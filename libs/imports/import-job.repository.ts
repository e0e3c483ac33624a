import { randomUUID } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { Settings } from '#libs/config';
import { type CheckoutOptions, Database } from '#libs/database';
import { BUILT_IN_DEFINITIONS, isPropertyType, type LookupDefinition, type ObjectType } from '#libs/properties';
import type { ImportItem } from './import.plan';
import type { ImportBacklog } from './import.metrics';
import type { RowResults } from './import.result';

/** A job that this worker has a lease on. */
export interface LeasedJob {
  readonly teamId: string;
  readonly id: string;
  readonly clientName: string;
  readonly objectType: ObjectType;
  /** The x-request-id of the import. */
  readonly requestId: string;
}

/** An attempt at a chunk. */
export interface ChunkAttempt {
  readonly chunk: number;
  readonly items: ImportItem[];
  /** The number of attempts, with this one. */
  readonly attempts: number;
  /** The job is so old that its chunks fail. */
  readonly overdue: boolean;
}

/** Jobs per transaction: their chunks are a hundred rows each. */
const PURGE_JOBS = 100;

/** The jobs of all teams, for a worker. Times are on the clock of the database. */
@Injectable()
export class ImportJobRepository {
  /** Identifies the leases of this process. */
  private readonly owner = randomUUID();

  constructor(
    @Inject(Database) private readonly database: Database,
    @Inject(Settings) private readonly settings: Settings,
  ) {}

  /** Takes a lease on the next job; undefined if there is none. */
  async claim(): Promise<LeasedJob | undefined> {
    const { rows } = await this.database.query<{
      team_id: string;
      id: string;
      client_name: string;
      object_type: ObjectType;
      request_id: string;
    }>('SELECT * FROM claim_import_job($1::uuid, make_interval(secs => $2))', [
      this.owner,
      this.settings.importLeaseSeconds,
    ]);
    const [row] = rows;
    return (
      row && {
        ...{ teamId: row.team_id, id: row.id, clientName: row.client_name },
        ...{ objectType: row.object_type, requestId: row.request_id },
      }
    );
  }

  /** @returns false if the lease is lost */
  async renew({ teamId, id }: LeasedJob): Promise<boolean> {
    const { rows } = await this.database.query<{ renewed: boolean }>(
      'SELECT renew_import_lease($1::uuid, $2::uuid, $3::uuid, make_interval(secs => $4)) AS renewed',
      [teamId, id, this.owner, this.settings.importLeaseSeconds],
    );
    return rows[0]?.renewed === true;
  }

  async release({ teamId, id }: LeasedJob): Promise<void> {
    await this.database.query('SELECT release_import_job($1::uuid, $2::uuid, $3::uuid)', [teamId, id, this.owner]);
  }

  /**
   * Takes the next chunk of a job, and counts the attempt; undefined if there is none to attempt now, or the lease is lost.
   *
   * @param running the chunks that are running
   */
  async takeChunk({ teamId, id }: LeasedJob, running: readonly number[]): Promise<ChunkAttempt | undefined> {
    const { rows } = await this.database.query<{ chunk: number; items: string; attempts: number; overdue: boolean }>(
      'SELECT chunk, items, attempts, overdue FROM take_import_chunk($1::uuid, $2::uuid, $3::uuid, $4::integer[])',
      [teamId, id, this.owner, running],
    );
    // The gateway has written the items.
    return rows[0] && { ...rows[0], items: JSON.parse(rows[0].items) as ImportItem[] };
  }

  /** The definitions of the object type of a job that have a lookup now. Those of an unsupported type are left out. */
  async lookupsOf({ teamId, id, objectType }: LeasedJob, options: CheckoutOptions): Promise<LookupDefinition[]> {
    const { rows } = await this.database.query<Omit<LookupDefinition, 'type'> & { type: string }>(
      'SELECT id, slug, type, list_id, lookup, lookup_state FROM find_import_lookups($1::uuid, $2::uuid)',
      [teamId, id],
      options,
    );
    const own = rows.flatMap(({ type, ...row }) => (isPropertyType(type) ? { ...row, type } : []));
    return [...(BUILT_IN_DEFINITIONS.get(objectType) ?? []), ...own];
  }

  /** Stores the results of a chunk. @returns the status of the job; undefined if another worker has stored these results */
  async storeChunk(
    { teamId, id }: LeasedJob,
    { chunk, overdue }: ChunkAttempt,
    { json, succeeded, failed }: RowResults,
  ): Promise<'processing' | 'complete' | 'failed' | undefined> {
    const { rows } = await this.database.query<{ status: 'processing' | 'complete' | 'failed' | null }>(
      `SELECT store_import_chunk($1::uuid, $2::uuid, $3::integer, $4::text, $5::integer, $6::integer, $7::boolean) AS status`,
      [teamId, id, chunk, json, succeeded, failed, overdue],
    );
    return rows[0]?.status ?? undefined;
  }

  /** Deletes some expired jobs, the oldest first. @returns how many */
  async purge(): Promise<number> {
    const { rows } = await this.database.query<{ removed: number }>('SELECT purge_import_jobs($1) AS removed', [
      PURGE_JOBS,
    ]);
    return rows[0]?.removed ?? 0;
  }

  async backlog(): Promise<ImportBacklog> {
    const { rows } = await this.database.query<{ jobs: number; pending_rows: number; oldest_seconds: number }>(
      'SELECT jobs, pending_rows, oldest_seconds FROM import_backlog()',
    );
    const [row] = rows;
    return { jobs: row?.jobs ?? 0, rows: row?.pending_rows ?? 0, oldestSeconds: row?.oldest_seconds ?? 0 };
  }
}
