import { Client } from 'pg';
import { migrate } from '#libs/database';
import { PostgresServer } from './postgres.server';
import { databaseUrl, onServer } from './server.database';

const DATABASE = 'prism';

/** A migrated primary with a synchronous standby. Either can be stopped, and the standby promoted. */
export class PostgresPair {
  private constructor(
    readonly primary: PostgresServer,
    readonly standby: PostgresServer,
  ) {}

  static async create(): Promise<PostgresPair> {
    const primary = await PostgresServer.create({ wal_level: 'replica', max_wal_senders: '5' });
    await onServer(primary.url, `CREATE DATABASE ${DATABASE} TEMPLATE template0`);
    await migrate(databaseUrl(primary.url, DATABASE));
    const standby = await PostgresServer.standbyOf(primary);
    const pair = new PostgresPair(primary, standby);
    await onServer(primary.url, "ALTER SYSTEM SET synchronous_standby_names = 'standby'");
    await onServer(primary.url, 'SELECT pg_reload_conf()');
    await pair.synchronous();
    return pair;
  }

  get primaryUrl(): string {
    return databaseUrl(this.primary.url, DATABASE);
  }

  get standbyUrl(): string {
    return databaseUrl(this.standby.url, DATABASE);
  }

  /** Resolves when commits of the primary wait for the standby, and the standby confirms them. */
  async synchronous(): Promise<void> {
    await this.until(
      this.primary.url,
      "SELECT current_setting('synchronous_standby_names') <> '' AND EXISTS (SELECT FROM pg_stat_replication WHERE sync_state = 'sync') AS ok",
    );
  }

  /** Resolves when `count` commits of the primary wait for the standby. @returns their backends */
  async waiting(count: number): Promise<number[]> {
    const found = await this.until(
      this.primary.url,
      `SELECT array_agg(pid) AS pids, count(*) >= ${count} AS ok FROM pg_stat_activity WHERE wait_event = 'SyncRep'`,
    );
    return (found.pids as number[] | null) ?? [];
  }

  /** Makes the standby a primary whose commits wait for no standby. Resolves when it accepts writes. */
  async promote(): Promise<void> {
    await onServer(this.standby.url, "ALTER SYSTEM SET synchronous_standby_names = ''");
    await onServer(this.standby.url, 'SELECT pg_reload_conf()');
    await onServer(this.standby.url, 'SELECT pg_promote()');
  }

  async remove(): Promise<void> {
    await Promise.all([this.primary.remove(), this.standby.remove()]);
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
