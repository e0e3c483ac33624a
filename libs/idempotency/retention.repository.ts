import { Injectable } from '@nestjs/common';
import { Settings } from '#libs/config';
import { Database, statement } from '#libs/database';
import { STALE_SECONDS } from './ledger.repository';

/** Rows a transaction: few enough that a retry of one of their keys hardly waits. */
const PURGE_ROWS = 1_000;

/** A day whose table no key can need any more. */
export interface ExpiredPartition {
  /** `YYYY-MM-DD`, in UTC. */
  readonly day: string;
  /** Not attached: a worker died after it had detached it. */
  readonly attached: boolean;
}

/** - `busy`: others were in the way, nothing has happened - `kept`: it is still needed, or someone else has done it */
export type PartitionStep = 'done' | 'busy' | 'kept';

export interface Purge {
  readonly removed: number;
  /** Where the next one may begin; null if nothing was there to remove. */
  readonly upTo: string | null;
}

export interface RetentionState {
  /** For how long the oldest expired thing has been waiting to be removed; negative: for how long nothing will be. */
  readonly overdueSeconds: number | null;
  /** Days after today, without a gap, that have their partition; at most as many as were asked for. */
  readonly partitionsAhead: number;
  /** Age of the oldest transaction id that the database may contain, in transaction ids. */
  readonly transactionIdAge: number;
  /** The age at which Postgres starts to freeze old rows by itself, in transaction ids. */
  readonly freezeMaxAge: number;
}

interface RetentionStateRow {
  overdue_seconds: number | null;
  partitions_ahead: number;
  transaction_id_age: number;
  freeze_max_age: number;
}

const listExpiredPartitions = statement(__dirname, 'list_expired_partitions');
const purgeRequests = statement(__dirname, 'purge_requests');
const readRetentionState = statement(__dirname, 'read_retention_state');

/** Takes from the ledger what is over, one step at a time. Which day it is and what is over, the database's clock says. */
@Injectable()
export class RetentionRepository {
  private readonly keptSeconds: number;

  constructor(
    private readonly database: Database,
    settings: Settings,
  ) {
    this.keptSeconds = settings.idempotencyTtlSeconds + STALE_SECONDS;
  }

  /** Makes the partition of the day that comes in so many days, unless it is there. No batch waits for that. */
  async ensurePartition(daysAhead: number): Promise<void> {
    await this.database.query("SELECT ensure_ledger_partition((now() AT TIME ZONE 'UTC')::date + $1::integer)", [
      daysAhead,
    ]);
  }

  /** Deletes some expired request rows, the oldest first. */
  async purgeRequests(from: string | null): Promise<Purge> {
    const { rows } = await this.database.query<{ removed: number; up_to: string | null }>(purgeRequests, [
      this.keptSeconds,
      from,
      PURGE_ROWS,
    ]);
    const [row] = rows;
    return { removed: row?.removed ?? 0, upTo: row?.up_to ?? null };
  }

  /** In the order of their days. */
  async expiredPartitions(): Promise<ExpiredPartition[]> {
    const { rows } = await this.database.query<ExpiredPartition>(listExpiredPartitions, [this.keptSeconds]);
    return rows;
  }

  /** Takes a day out of the ledger, holding batches up for some milliseconds at most. */
  async detachPartition(day: string): Promise<PartitionStep> {
    return this.step('SELECT detach_ledger_partition($1::date) AS step', day);
  }

  /** Drops the table of a day that was detached. */
  async dropPartition(day: string): Promise<PartitionStep> {
    return this.step('SELECT drop_ledger_partition($1::date) AS step', day);
  }

  /** @param daysAhead how many days ahead to count partitions */
  async state(daysAhead: number): Promise<RetentionState> {
    const { rows } = await this.database.query<RetentionStateRow>(readRetentionState, [this.keptSeconds, daysAhead]);
    const [row] = rows;
    if (row === undefined) throw new Error('read_retention_state returned no row');
    return {
      overdueSeconds: row.overdue_seconds,
      partitionsAhead: row.partitions_ahead,
      transactionIdAge: row.transaction_id_age,
      freezeMaxAge: row.freeze_max_age,
    };
  }

  private async step(text: string, day: string): Promise<PartitionStep> {
    const { rows } = await this.database.query<{ step: PartitionStep }>(text, [day]);
    return rows[0]?.step ?? 'kept';
  }
}
