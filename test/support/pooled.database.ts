import { readFileSync } from 'node:fs';
import { Client } from 'pg';
import { readSettings } from '#libs/config';
import { migrate, openDatabase } from '#libs/database';
import { PgBouncer, type PoolMode, poolerSettings } from './pgbouncer.server';
import { PostgresServer } from './postgres.server';
import { createProgramRoles } from './program.roles';
import { databaseUrl, onServer } from './server.database';

const DATABASE = 'prism';

/**
 * State that a server connection must not have when another client gets it. The name of the application and the settings of TCP, which
 * Postgres reads from the socket, differ on purpose.
 */
const READ_STATE = `
  SELECT pg_backend_pid() AS pid, NULLIF(current_setting('prism.team', true), '') AS team,
         (SELECT json_object_agg(name, setting) FROM pg_settings WHERE context IN ('user', 'superuser') AND setting <> reset_val
            AND name <> 'application_name' AND name NOT LIKE 'tcp%') AS changed`;

/** A Postgres with a migrated database and the roles of production, behind a PgBouncer. */
export class PooledDatabase {
  private constructor(
    readonly postgres: PostgresServer,
    readonly pooler: PgBouncer,
    readonly mode: PoolMode,
    private readonly size: number,
  ) {}

  /** @param size server connections of the pooler for a role */
  static async create(mode: PoolMode, size: number): Promise<PooledDatabase> {
    const postgres = await PostgresServer.create();
    await onServer(postgres.url, `CREATE DATABASE ${DATABASE} TEMPLATE template0`);
    const url = databaseUrl(postgres.url, DATABASE);
    await migrate(url);
    const owner = openDatabase(readSettings({ DATABASE_URL: url }));
    await createProgramRoles(owner);
    await owner.close();
    if (mode === 'transaction')
      await onServer(postgres.url, readFileSync('deploy/pgbouncer/role-settings.sql', 'utf8'));
    const pooler = await PgBouncer.start(mode, postgres.url, { default_pool_size: String(size) });
    return new PooledDatabase(postgres, pooler, mode, size);
  }

  /** As the owner, without the pooler. */
  get directUrl(): string {
    return databaseUrl(this.postgres.url, DATABASE);
  }

  /** As a gateway, without the pooler. */
  get directGatewayUrl(): string {
    return this.directUrl.replace('postgres@', 'prism_gateway@');
  }

  /** The settings of a gateway behind the pooler. */
  get settings(): { DATABASE_URL: string } & Record<string, string> {
    return { DATABASE_URL: this.pooler.url(DATABASE), ...poolerSettings(this.mode) };
  }

  /** The state that each server connection of the pooler has from its last client. Each is held until all are, so that none is read twice. */
  async connectionStates(): Promise<{ pid: number; team: string | null; changed: object | null }[]> {
    const clients = Array.from(
      { length: this.size },
      () => new Client({ connectionString: this.settings.DATABASE_URL, application_name: 'prism-gateway' }),
    );
    try {
      return await Promise.all(
        clients.map(async (client) => {
          await client.connect();
          await client.query('BEGIN');
          const { rows } = await client.query<{ pid: number; team: string | null; changed: object | null }>(READ_STATE);
          return rows[0] ?? { pid: 0, team: null, changed: null };
        }),
      );
    } finally {
      await Promise.all(clients.map((client) => client.end()));
    }
  }

  async remove(): Promise<void> {
    await this.pooler.stop();
    await this.postgres.remove();
  }
}
