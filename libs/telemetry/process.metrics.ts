import { collectDefaultMetrics, Registry } from 'prom-client';
import { readVersion } from './build.info';
import type { Exemplars } from './exemplars';
import { Instruments, Labels } from './instruments';
import { DATABASE_ERRORS, DATABASE_POOLS, DatabaseErrorKind, DatabasePool, POOL_STATES } from './metric.labels';

interface PoolState {
  total: number;
  idle: number;
  /** Callers that wait for a connection. */
  waiting: number;
}

/**
 * What every program of ours measures. Each instance has a registry of its own, so that several apps fit in one process.
 */
export abstract class ProcessMetrics {
  protected readonly instruments = new Instruments();
  /** To be served with the metrics to who can read them; undefined: none are kept. */
  exemplars: Exemplars | undefined;
  private readonly pools = new Map<DatabasePool, () => PoolState>();
  private askReadiness: (() => Promise<boolean>) | undefined;

  private readonly databaseErrors = this.instruments.counter(
    'prism_database_errors_total',
    'Faults of the database: it could not be reached or went away, a wait ran out, a call failed.',
    { kind: DATABASE_ERRORS },
  );

  constructor() {
    for (const kind of DATABASE_ERRORS) this.databaseErrors.inc({ kind }, 0);
    this.makePoolGauges();
    this.makeReadinessGauge();
    this.makeBuildInfo();
    collectDefaultMetrics({ register: this.registry });
  }

  get registry(): Registry {
    return this.instruments.registry;
  }

  /** The labels of one of our metrics with the values they take; undefined for one of Node's. */
  labelsOf(name: string): Labels<string> | undefined {
    return this.instruments.labelsOf(name);
  }

  countDatabaseError(kind: DatabaseErrorKind): void {
    this.databaseErrors.inc({ kind });
  }

  /** Has the state of a pool read from its owner at every scrape. */
  observePool(pool: DatabasePool, read: () => PoolState): void {
    this.pools.set(pool, read);
  }

  /** Has the process asked at every scrape whether it can do its work: also where no platform probes it. */
  observeReadiness(ask: () => Promise<boolean>): void {
    this.askReadiness = ask;
  }

  private makePoolGauges(): void {
    this.instruments.gauge(
      'prism_database_pool_connections',
      'Connections of a pool: all of them, and those that are idle.',
      { pool: DATABASE_POOLS, state: POOL_STATES },
      (gauge) => {
        for (const pool of DATABASE_POOLS) {
          const use = this.pools.get(pool)?.();
          for (const state of POOL_STATES) gauge.set({ pool, state }, use?.[state] ?? 0);
        }
      },
    );
    this.instruments.gauge(
      'prism_database_pool_waiting',
      'Callers that wait for a connection of a pool.',
      { pool: DATABASE_POOLS },
      (gauge) => {
        for (const pool of DATABASE_POOLS) gauge.set({ pool }, this.pools.get(pool)?.().waiting ?? 0);
      },
    );
  }

  private makeReadinessGauge(): void {
    this.instruments.gauge(
      'prism_ready',
      '1 if the process can do its work, 0 if not: what `/health/ready` says, asked at every scrape.',
      {},
      async (gauge) => {
        gauge.set((await this.askReadiness?.()) === true ? 1 : 0);
      },
    );
  }

  private makeBuildInfo(): void {
    const labels = { version: "the program's version", node: "Node's version" };
    const info = this.instruments.gauge('prism_build_info', 'Always 1; the labels say what is running.', labels);
    info.set({ version: readVersion(), node: process.version }, 1);
  }
}
