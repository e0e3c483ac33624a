import { Injectable } from '@nestjs/common';
import { Instruments } from '#libs/telemetry';
import type { VacuumHorizon } from './retention.repository';

const RESULTS = ['ok', 'error'] as const;
type RetentionResult = (typeof RESULTS)[number];

/** Metrics of the retention of the ledger. */
@Injectable()
export class RetentionMetrics {
  /** When the oldest row or partition expires, on the clock of `performance.now()`; undefined if the ledger is empty. */
  private oldestExpiresAt: number | undefined;
  private readonly partitionsAhead;
  private readonly requestsRemoved;
  private readonly partitionsDropped;
  private readonly runs;
  private readonly transactionIdAge;
  private readonly freezeMaxAge;
  private readonly oldestTransaction;
  private readonly replicationAge;
  private readonly slotWal;

  constructor(instruments: Instruments) {
    this.partitionsAhead = instruments.gauge(
      'prism_ledger_partitions_ahead',
      'Consecutive days after today for which the ledger has a partition. Outcomes of a day without one go to the default partition.',
      {},
    );
    this.requestsRemoved = instruments.counter(
      'prism_ledger_requests_removed_total',
      'Expired requests that this worker deleted from the ledger, in rows.',
      {},
    );
    this.partitionsDropped = instruments.counter(
      'prism_ledger_partitions_dropped_total',
      'Expired partitions of the ledger that this worker dropped. A partition holds one day.',
      {},
    );
    this.runs = instruments.counter('prism_retention_runs_total', 'Runs of retention, by result.', {
      result: RESULTS,
    });
    this.transactionIdAge = instruments.gauge(
      'prism_database_transaction_id_age',
      'Age of the oldest transaction id that the database may contain, in transaction ids: `age(datfrozenxid)`. Postgres stops at 2^31.',
      {},
    );
    this.freezeMaxAge = instruments.gauge(
      'prism_database_freeze_max_age',
      'The age at which autovacuum freezes old rows, in transaction ids: `autovacuum_freeze_max_age`.',
      {},
    );
    this.oldestTransaction = instruments.gauge(
      'prism_database_oldest_transaction_seconds',
      'Age of the oldest transaction that has a snapshot or an id. Postgres keeps dead rows for it. 0 without one. Needs `pg_read_all_stats` to see other roles.',
      {},
    );
    this.replicationAge = instruments.gauge(
      'prism_database_replication_age',
      'Age of the oldest row version that a replication slot or the feedback of a standby keeps, in transaction ids; 0 without one.',
      {},
    );
    this.slotWal = instruments.gauge(
      'prism_database_slot_wal_bytes',
      'WAL that the server keeps for the replication slot that is furthest behind, in bytes; 0 without slots.',
      {},
    );
    // A gauge without labels starts at 0. These have no value until the database was read.
    const read = [this.transactionIdAge, this.freezeMaxAge, this.oldestTransaction, this.replicationAge, this.slotWal];
    for (const gauge of read) gauge.remove();
    instruments.gauge(
      'prism_ledger_retention_lag_seconds',
      'Age of the oldest expired row or partition that is not removed yet. The age keeps growing while runs fail.',
      {},
      (gauge) => {
        gauge.set(
          this.oldestExpiresAt === undefined ? 0 : Math.max(0, performance.now() - this.oldestExpiresAt) / 1_000,
        );
      },
    );
    for (const result of RESULTS) this.runs.inc({ result }, 0);
  }

  countRequestsRemoved(rows: number): void {
    this.requestsRemoved.inc({}, rows);
  }

  countPartitionDropped(): void {
    this.partitionsDropped.inc();
  }

  countRetentionRun(result: RetentionResult): void {
    this.runs.inc({ result });
  }

  /**
   * @param overdueSeconds time since the oldest row or partition expired; negative before that; null if the ledger is empty
   * @param partitionsAhead in days
   */
  setRetentionState(overdueSeconds: number | null, partitionsAhead: number): void {
    this.oldestExpiresAt = overdueSeconds === null ? undefined : performance.now() - overdueSeconds * 1_000;
    this.partitionsAhead.set(partitionsAhead);
  }

  /** @param age of the oldest transaction id @param freezeMaxAge `autovacuum_freeze_max_age`; both in transaction ids */
  setTransactionIdAge(age: number, freezeMaxAge: number): void {
    this.transactionIdAge.set(age);
    this.freezeMaxAge.set(freezeMaxAge);
  }

  setVacuumHorizon({ oldestTransactionSeconds, replicationAge, slotWalBytes }: VacuumHorizon): void {
    this.oldestTransaction.set(oldestTransactionSeconds);
    this.replicationAge.set(replicationAge);
    this.slotWal.set(slotWalBytes);
  }
}
