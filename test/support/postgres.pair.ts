import { Client } from 'pg';
import { migrate } from '#libs/database';
import { PostgresServer } from './postgres.server';
import { databaseUrl, onServer } from './server.database';

const DATABASE = 'prism';

/** A migrated primary with a synchronous standby. Either can be stopped, and the standby promoted. */
export class PostgresPair {
  private constructor(
    private current: PostgresServer,
    private other: PostgresServer,
  ) {}

  /** @param settings of both servers */
  static async create(settings: Record<string, string> = {}): Promise<PostgresPair> {
    const primary = await PostgresServer.create({ wal_keep_size: '1GB', ...settings });
    await onServer(primary.url, `CREATE DATABASE ${DATABASE} TEMPLATE template0`);
    await migrate(databaseUrl(primary.url, DATABASE));
    return PostgresPair.of(primary);
  }

  /** Gives a running server a synchronous standby. */
  static async of(primary: PostgresServer): Promise<PostgresPair> {
    const pair = new PostgresPair(primary, await PostgresServer.standbyOf(primary));
    await pair.waitForStandby();
    return pair;
  }

  get primary(): PostgresServer {
    return this.current;
  }

  get standby(): PostgresServer {
    return this.other;
  }

  get primaryUrl(): string {
    return databaseUrl(this.primary.url, DATABASE);
  }

  get standbyUrl(): string {
    return databaseUrl(this.standby.url, DATABASE);
  }

  /** Resolves when commits of the primary wait for the standby, and the standby has everything that was committed before. */
  async waitUntilSynchronous(): Promise<void> {
    await this.until(
      this.primary.url,
      "SELECT current_setting('synchronous_standby_names') <> '' AND EXISTS (SELECT FROM pg_stat_replication WHERE sync_state = 'sync') AS ok",
    );
    // Commits wait when the checkpointer has read the setting, which it does before each checkpoint.
    await onServer(this.primary.url, 'CHECKPOINT');
    const { lsn } = await this.until(this.primary.url, 'SELECT pg_current_wal_flush_lsn()::text AS lsn, true AS ok');
    await this.until(
      this.primary.url,
      `SELECT EXISTS (SELECT FROM pg_stat_replication WHERE flush_lsn >= '${String(lsn)}') AS ok`,
    );
  }

  /** Resolves when `count` commits of the primary wait for the standby. @returns their backends */
  async waitingBackends(count: number): Promise<number[]> {
    const found = await this.until(
      this.primary.url,
      `SELECT array_agg(pid) AS pids, count(*) >= ${count} AS ok FROM pg_stat_activity WHERE wait_event = 'SyncRep'`,
    );
    return (found.pids as number[] | null) ?? [];
  }

  /** Makes the standby a primary whose commits wait for no standby. Resolves when it accepts writes. */
  async promote(): Promise<void> {
    await this.changeSetting(this.standby, "synchronous_standby_names = ''");
    await onServer(this.standby.url, 'SELECT pg_promote()');
  }

  /** After {@link promote}: deletes the former primary, and makes a synchronous standby in its place, at its port. */
  async replaceFormerPrimary(): Promise<void> {
    const former = this.primary;
    await former.remove();
    this.current = this.standby;
    this.other = await PostgresServer.standbyOf(this.primary, former.port);
    await this.waitForStandby();
  }

  /** Changes a setting of a running server, such as `name = value`. */
  async changeSetting(server: PostgresServer, assignment: string): Promise<void> {
    await onServer(server.url, `ALTER SYSTEM SET ${assignment}`);
    await onServer(server.url, 'SELECT pg_reload_conf()');
  }

  async remove(): Promise<void> {
    await Promise.all([this.primary.remove(), this.standby.remove()]);
  }

  private async waitForStandby(): Promise<void> {
    await this.changeSetting(this.primary, "synchronous_standby_names = 'standby'");
    await this.waitUntilSynchronous();
  }

  /** Repeats a query until its column `ok` is true. */
  private async until(url: string, statement: string): Promise<Record<string, unknown>> {
    const client = new Client({ connectionString: url });
    await client.connect();
    try {
      for (;;) {
        const { rows } = await client.query<Record<string, unknown>>(statement);
        if (rows[0]?.ok === true) return rows[0];
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    } finally {
      await client.end();
    }
  }
}
