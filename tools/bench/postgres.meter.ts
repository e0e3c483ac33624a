import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { familyCpuSecondsOf, parentOf } from './process.usage';

/** What Postgres has done so far. */
export interface PostgresReading {
  cpuSeconds: number;
  walBytes: number;
}

const quietReadings = 3;
const quietEveryMs = 10;

/** Looks at Postgres from a connection of its own, while nothing is being measured. */
export class PostgresMeter {
  private constructor(
    private readonly client: Client,
    private readonly pid: number,
  ) {}

  static async open(url: string): Promise<PostgresMeter> {
    const client = new Client({ connectionString: url });
    // A server that goes away ends the next statement; without a listener it would end the program.
    client.on('error', () => undefined);
    await client.connect();
    const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
    return new PostgresMeter(client, parentOf(rows[0]?.pid ?? 0));
  }

  async close(): Promise<void> {
    await this.client.end();
  }

  /** The value of a setting, as the server has it. */
  async setting(name: string): Promise<string> {
    const { rows } = await this.client.query<{ value: string }>('SELECT current_setting($1) AS value', [name]);
    return rows[0]?.value ?? '';
  }

  /** Where the programs of the server's own version are. */
  async programFolder(): Promise<string> {
    const { rows } = await this.client.query<{ setting: string }>(
      `SELECT setting FROM pg_config WHERE name = 'BINDIR'`,
    );
    return rows[0]?.setting ?? '';
  }

  /** Makes the table as it is in service: statistics, visibility map, and nothing left over from loading it. */
  async settle(): Promise<void> {
    await this.client.query('VACUUM ANALYZE');
    await this.client.query('CHECKPOINT');
  }

  /** Resolves when no connection does anything: what was sent before a load generator ended is done as well. */
  async quiet(signal: AbortSignal): Promise<void> {
    for (let quiet = 0; quiet < quietReadings;) {
      signal.throwIfAborted();
      const { rows } = await this.client.query<{ busy: boolean }>(
        `SELECT EXISTS (SELECT FROM pg_stat_activity
                         WHERE backend_type = 'client backend' AND state <> 'idle' AND pid <> pg_backend_pid()) AS busy`,
      );
      quiet = rows[0]?.busy === true ? 0 : quiet + 1;
      await sleep(quietEveryMs);
    }
  }

  /** Before something is measured: the CPU that the reading itself costs is not in it. */
  async begin(): Promise<PostgresReading> {
    const walBytes = await this.walBytes();
    return { walBytes, cpuSeconds: familyCpuSecondsOf(this.pid) };
  }

  /** After it: nor here. */
  async end(): Promise<PostgresReading> {
    const cpuSeconds = familyCpuSecondsOf(this.pid);
    return { cpuSeconds, walBytes: await this.walBytes() };
  }

  /** Grows by one with each change of a record. Reads all of them. */
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
