import { Injectable } from '@nestjs/common';
import { Instruments } from '#libs/telemetry';

/** `data`: batches and records. `control`: API keys, property definitions and readiness. */
const POOLS = ['data', 'control'] as const;
type Pool = (typeof POOLS)[number];

const POOL_STATES = ['total', 'idle'] as const;

const ERROR_KINDS = ['connection', 'timeout', 'call'] as const;
export type DatabaseErrorKind = (typeof ERROR_KINDS)[number];

interface PoolState {
  total: number;
  idle: number;
  /** Callers that wait for a connection. */
  waiting: number;
}

/** Metrics of the connection pools and of failed database calls. */
@Injectable()
export class DatabaseMetrics {
  private readonly pools = new Map<Pool, () => PoolState>();
  private readonly errors;

  constructor(instruments: Instruments) {
    this.errors = instruments.counter(
      'prism_database_errors_total',
      'Database errors: `connection` (unreachable or lost), `timeout` (no free connection or no response in time), `call` (a failed statement).',
      { kind: ERROR_KINDS },
    );
    for (const kind of ERROR_KINDS) this.errors.inc({ kind }, 0);
    instruments.gauge(
      'prism_database_pool_connections',
      'Connections of a pool: all, and the idle ones among them.',
      { pool: POOLS, state: POOL_STATES },
      (gauge) => {
        for (const pool of POOLS) {
          const current = this.pools.get(pool)?.();
          for (const state of POOL_STATES) gauge.set({ pool, state }, current?.[state] ?? 0);
        }
      },
    );
    instruments.gauge(
      'prism_database_pool_waiting',
      'Callers that wait for a connection of a pool.',
      { pool: POOLS },
      (gauge) => {
        for (const pool of POOLS) gauge.set({ pool }, this.pools.get(pool)?.().waiting ?? 0);
      },
    );
  }

  countDatabaseError(kind: DatabaseErrorKind): void {
    this.errors.inc({ kind });
  }

  /** Sets the function that returns the state of a pool; each scrape calls it. */
  observePool(pool: Pool, read: () => PoolState): void {
    this.pools.set(pool, read);
  }
}
