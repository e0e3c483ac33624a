import { Injectable } from '@nestjs/common';
import { Instruments } from '#libs/telemetry';
import type { PoolStats } from './connection.pool';
import type { NodeState } from './team.nodes';

/** `data`: batches and records. `control`: API keys, property definitions and readiness. `read`: the pool of a replica. */
const POOLS = ['data', 'control', 'read'] as const;
type Pool = (typeof POOLS)[number];

const POOL_STATES = ['total', 'idle', 'discarded'] as const;

const NODE = { node: 'the nodes of the cluster, as `host:port`' };

const ERROR_KINDS = ['connection', 'timeout', 'unconfirmed', 'call'] as const;
export type DatabaseErrorKind = (typeof ERROR_KINDS)[number];

/** Metrics of the connection pools and of failed database calls. */
@Injectable()
export class DatabaseMetrics {
  private readonly pools = new Map<Pool, () => PoolStats>();
  private readonly errors;
  private waitsForStandby: () => boolean | undefined = () => undefined;
  private nodes: () => NodeState[] = () => [];
  private poolSize = 0;

  constructor(instruments: Instruments) {
    this.errors = instruments.counter(
      'prism_database_errors_total',
      'Database errors: `connection` (unreachable or lost), `timeout` (no free connection or no response in time), `unconfirmed` (the wait for the synchronous standby was interrupted), `call` (a failed statement).',
      { kind: ERROR_KINDS },
    );
    for (const kind of ERROR_KINDS) this.errors.inc({ kind }, 0);
    instruments.gauge(
      'prism_database_pool_connections',
      'Connections of a pool. `total` includes `idle` and `discarded`. `discarded`: not used again, but kept until their backend has ended.',
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
    instruments.gauge(
      'prism_database_waits_for_standby',
      'Whether commits wait for a synchronous standby: 1 or 0; absent before the first connection. It follows a change of the server settings within seconds.',
      {},
      (gauge) => {
        const waits = this.waitsForStandby();
        // 0 would be taken for a change by an alert when a process starts.
        if (waits === undefined) gauge.remove();
        else gauge.set(waits ? 1 : 0);
      },
    );
    this.createNodeGauges(instruments);
  }

  countDatabaseError(kind: DatabaseErrorKind): void {
    this.errors.inc({ kind });
  }

  /** Sets the function that returns the numbers of a pool; each scrape calls it. */
  observePool(pool: Pool, read: () => PoolStats): void {
    this.pools.set(pool, read);
  }

  /**
   * Sets the function that returns the nodes of a cluster; each scrape calls it.
   *
   * @param poolSize the most connections of a pool of a node
   */
  observeNodes(poolSize: number, read: () => NodeState[]): void {
    this.poolSize = poolSize;
    this.nodes = read;
  }

  /** Sets the function that returns whether commits wait for a standby; each scrape calls it. */
  observeStandby(read: () => boolean | undefined): void {
    this.waitsForStandby = read;
  }

  /** Without a cluster, these metrics have no series. */
  private createNodeGauges(instruments: Instruments): void {
    instruments.gauge(
      'prism_database_node_up',
      'Whether a node of the cluster accepted a connection and writes at the last check, 10 s ago at most: 1 or 0. Absent on a single server and behind a pooler.',
      NODE,
      (gauge) => {
        gauge.reset(); // nodes that were removed
        for (const { node, isUp } of this.nodes()) gauge.set({ node }, isUp ? 1 : 0);
      },
    );
    instruments.gauge(
      'prism_database_node_connections',
      'Connections of the data pool to a node of the cluster, with the states of `prism_database_pool_connections`, whose `pool="data"` includes them.',
      { ...NODE, state: POOL_STATES },
      (gauge) => {
        gauge.reset();
        for (const { node, pool } of this.nodes()) {
          for (const state of POOL_STATES) gauge.set({ node, state }, pool[state]);
        }
      },
    );
    instruments.gauge(
      'prism_database_node_connections_max',
      'The most connections of the data pool to a node of the cluster: `DATABASE_POOL_SIZE`.',
      NODE,
      (gauge) => {
        gauge.reset();
        for (const { node } of this.nodes()) gauge.set({ node }, this.poolSize);
      },
    );
    instruments.gauge(
      'prism_database_node_waiting',
      'Callers that wait for a connection of the data pool to a node of the cluster.',
      NODE,
      (gauge) => {
        gauge.reset();
        for (const { node, pool } of this.nodes()) gauge.set({ node }, pool.waiting);
      },
    );
  }
}
