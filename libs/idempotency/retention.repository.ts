import { Injectable } from '@nestjs/common';
import { Settings } from '#libs/config';
import { Database, statement } from '#libs/database';
import { STALE_SECONDS } from './ledger.repository';

/** Rows per transaction: few enough that a request with one of their keys hardly waits. */
const PURGE_ROWS = 1_000;

/** A day whose partition no key needs any more. */
export interface ExpiredPartition {
  /** `YYYY-MM-DD`, in UTC. */
  readonly day: string;
  /** False if a worker stopped after it had detached the partition. */
  readonly attached: boolean;
}

/**
 * The result of a step. `busy`: a lock was not available, and nothing changed. `kept`: the partition is needed, or another worker has
 * done the step.
 */
export type PartitionStep = 'done' | 'busy' | 'kept';

/** The result of one purge. */
export interface Purge {
  /** The number of deleted rows. */
  readonly removed: number;
  /** Where the next purge can begin; null if there was nothing to remove. */
  readonly upTo: string | null;
}

export interface RetentionState {
  /** Time since the oldest row or partition expired; negative before that; null if the ledger is empty. */
  readonly overdueSeconds: number | null;
  /** Consecutive days after today that have a partition, up to the requested number. */
  readonly partitionsAhead: number;
  /** Age of the oldest transaction id that the database may contain, in transaction ids. */
  readonly transactionIdAge: number;
  /** The age at which autovacuum freezes old rows, in transaction ids: `autovacuum_freeze_max_age`. */
  readonly freezeMaxAge: number;
}

/** What keeps dead rows in the tables of this database. */
export interface VacuumHorizon {
  /** Age of the oldest transaction that has a snapshot or an id; 0 if there is none, or none that the role may see. */
  readonly oldestTransactionSeconds: number;
  /** Age of the oldest row version that a replication slot or the feedback of a standby needs, in transaction ids. */
  readonly replicationAge: number;
  /** WAL that the server keeps for the slot that is furthest behind. */
  readonly slotWalBytes: number;
}

interface VacuumHorizonRow {
  oldest_transaction_seconds: number;
  replication_age: number;
  slot_wal_bytes: number;
}

interface RetentionStateRow {
  overdue_seconds: number | null;
  partitions_ahead: number;
  transaction_id_age: number;
  freeze_max_age: number;
}

const LIST_EXPIRED_PARTITIONS = statement(__dirname, 'list_expired_partitions');
const PURGE_REQUESTS = statement(__dirname, 'purge_requests');
const READ_RETENTION_STATE = statement(__dirname, 'read_retention_state');
const READ_VACUUM_HORIZON = statement(__dirname, 'read_vacuum_horizon');

/** Removes expired rows and partitions of the ledger in steps. All times are on the clock of the database. */
@Injectable()
export class RetentionRepository {
  private readonly keptSeconds: number;

  constructor(
    private readonly database: Database,
    settings: Settings,
  ) {
    this.keptSeconds = settings.idempotencyTtlSeconds + STALE_SECONDS;
  }

  /** The days (`YYYY-MM-DD`) from today on that have no partition, and the first day with outcomes in the default partition. */
  async missingPartitions(daysAhead: number): Promise<string[]> {
    const { rows } = await this.database.query<{ day: string }>(
      "SELECT to_char(day, 'YYYY-MM-DD') AS day FROM missing_ledger_days($1::integer) AS day",
      [daysAhead],
    );
    return rows.map(({ day }) => day);
  }

  /** Creates the partition of a day, and moves the outcomes of that day from the default partition into it. */
  async createPartition(day: string): Promise<PartitionStep> {
    return this.step('SELECT ensure_ledger_partition($1::date) AS step', day);
  }

  /** Deletes some expired request rows, the oldest first. */
  async purgeRequests(from: string | null): Promise<Purge> {
    const { rows } = await this.database.query<{ removed: number; up_to: string | null }>(PURGE_REQUESTS, [
      this.keptSeconds,
      from,
      PURGE_ROWS,
    ]);
    const [row] = rows;
    return { removed: row?.removed ?? 0, upTo: row?.up_to ?? null };
  }

  /** In the order of their days. */
  async expiredPartitions(): Promise<ExpiredPartition[]> {
    const { rows } = await this.database.query<ExpiredPartition>(LIST_EXPIRED_PARTITIONS, [this.keptSeconds]);
    return rows;
  }

  /** Detaches the partition of a day. Batches wait for some milliseconds at most. */
  async detachPartition(day: string): Promise<PartitionStep> {
    return this.step('SELECT detach_ledger_partition($1::date) AS step', day);
  }

  /** Drops the detached partition of a day. */
  async dropPartition(day: string): Promise<PartitionStep> {
    return this.step('SELECT drop_ledger_partition($1::date) AS step', day);
  }

  /** @param daysAhead how many days ahead to count partitions */
  async state(daysAhead: number): Promise<RetentionState> {
    const { rows } = await this.database.query<RetentionStateRow>(READ_RETENTION_STATE, [this.keptSeconds, daysAhead]);
    const [row] = rows;
    if (row === undefined) throw new Error('read_retention_state returned no row');
    return {
      overdueSeconds: row.overdue_seconds,
      partitionsAhead: row.partitions_ahead,
      transactionIdAge: row.transaction_id_age,
      freezeMaxAge: row.freeze_max_age,
    };
  }

  /** What keeps vacuum from removing dead rows now. */
  async vacuumHorizon(): Promise<VacuumHorizon> {
    const { rows } = await this.database.query<VacuumHorizonRow>(READ_VACUUM_HORIZON);
    const [row] = rows;
    if (row === undefined) throw new Error('read_vacuum_horizon returned no row');
    return {
      oldestTransactionSeconds: row.oldest_transaction_seconds,
      replicationAge: row.replication_age,
      slotWalBytes: row.slot_wal_bytes,
    };
  }

  private async step(text: string, day: string): Promise<PartitionStep> {
    const { rows } = await this.database.query<{ step: PartitionStep }>(text, [day]);
    return rows[0]?.step ?? 'kept';
  }
}
