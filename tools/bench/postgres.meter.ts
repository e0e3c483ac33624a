import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { processTreeCpuSecondsOf, parentOf } from './process.usage';

/** Cumulative counters of Postgres. */
export interface PostgresReading {
  cpuSeconds: number;
  walBytes: number;
  /** The size of the ledger's tables and indexes. */
  ledgerBytes: number;
}

/** What a turn needs. */
export type Meter = Pick<PostgresMeter, 'quiet' | 'begin' | 'end' | 'changes'>;

/** 0 before the migrations. Partitions are tables of their own. */
const LEDGER_BYTES = `
  SELECT coalesce(sum(pg_total_relation_size(oid)), 0)::float8 AS value
    FROM pg_class WHERE relkind = 'r' AND relname LIKE 'idempotency\\_%'`;

const quietReadings = 3;
const quietEveryMs = 10;

/** Reads the counters of Postgres on its own connection, outside of measurements. */
export class PostgresMeter {
  private constructor(
    private readonly client: Client,
    private readonly pid: number,
  ) {}

  static async open(url: string): Promise<PostgresMeter> {
    const client = new Client({ connectionString: url });
    // The next statement reports a broken connection; without a listener the error would end the program.
    client.on('error', () => undefined);
    await client.connect();
    const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
    return new PostgresMeter(client, parentOf(rows[0]?.pid ?? 0));
  }

  async close(): Promise<void> {
    await this.client.end();
  }

  /** The value of a server setting. */
  async setting(name: string): Promise<string> {
    const { rows } = await this.client.query<{ value: string }>('SELECT current_setting($1) AS value', [name]);
    return rows[0]?.value ?? '';
  }

  /** The folder with the programs of the server's version. */
  async programFolder(): Promise<string> {
    const { rows } = await this.client.query<{ setting: string }>(
      `SELECT setting FROM pg_config WHERE name = 'BINDIR'`,
    );
    return rows[0]?.setting ?? '';
  }

  /** Updates statistics and visibility map, and removes the effects of loading. */
  async settle(): Promise<void> {
    await this.client.query('VACUUM ANALYZE');
    await this.client.query('CHECKPOINT');
  }

  /**
   * Resolves when no connection is active: the last requests of a load generator are complete.
   *
   * @param readings this many readings in sequence, 10 ms apart, must find none
   */
  async quiet(signal: AbortSignal, readings = quietReadings): Promise<void> {
    for (let quiet = 0; quiet < readings;) {
      signal.throwIfAborted();
      const { rows } = await this.client.query<{ busy: boolean }>(
        `SELECT EXISTS (SELECT FROM pg_stat_activity
                         WHERE backend_type = 'client backend' AND state <> 'idle' AND pid <> pg_backend_pid()) AS busy`,
      );
      quiet = rows[0]?.busy === true ? 0 : quiet + 1;
      await sleep(quietEveryMs);
    }
  }

  /** Reading before a measurement: the last statement reads CPU, so that its own cost is excluded. */
  async begin(): Promise<PostgresReading> {
    const ledgerBytes = await this.number(LEDGER_BYTES);
    const walBytes = await this.walBytes();
    return { ledgerBytes, walBytes, cpuSeconds: processTreeCpuSecondsOf(this.pid) };
  }

  /** Reading after a measurement: CPU is read first, so that the cost of this reading is excluded. */
  async end(): Promise<PostgresReading> {
    const cpuSeconds = processTreeCpuSecondsOf(this.pid);
    return { cpuSeconds, walBytes: await this.walBytes(), ledgerBytes: await this.number(LEDGER_BYTES) };
  }

  /** The sum of all versions, which grows by one with each change. Reads all records. */
  changes(): Promise<number> {
    return this.number('SELECT sum(version)::float8 AS value FROM records');
  }

  private walBytes(): Promise<number> {
    return this.number(`SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::float8 AS value`);
  }

  private async number(statement: string): Promise<number> {
    const { rows } = await this.client.query<{ value: number }>(statement);
    return rows[0]?.value ?? 0;
  }
}
