import { Client } from 'pg';

/** A connection of the test's own, beside those of what it tests: to hold locks, to look, to interfere. */
export class Session {
  private constructor(private readonly client: Client) {}

  static async open(url: string): Promise<Session> {
    const client = new Client({ connectionString: url });
    // The server may be stopped while this is idle; the next query says so.
    client.on('error', () => undefined);
    await client.connect();
    return new Session(client);
  }

  async query<R extends object = Record<string, unknown>>(text: string, values: unknown[] = []): Promise<R[]> {
    const { rows } = await this.client.query<R & Record<string, unknown>>(text, values);
    return rows;
  }

  /** Holds records as a transaction would that is in the middle of changing them, until {@link release}. */
  async hold(teamId: string, ids: string[]): Promise<void> {
    await this.client.query('BEGIN');
    await this.client.query('SELECT FROM records WHERE team_id = $1 AND id = ANY ($2) FOR UPDATE', [teamId, ids]);
  }

  async release(): Promise<void> {
    await this.client.query('ROLLBACK');
  }

  /** How many of the gateway's backends wait for a record. */
  async lockWaiters(): Promise<number> {
    const rows = await this.query<{ n: number }>(
      `SELECT count(*)::int AS n, pg_stat_clear_snapshot() FROM pg_stat_activity
        WHERE datname = current_database() AND application_name = 'prism-gateway' AND wait_event_type = 'Lock'`,
    );
    return rows[0]?.n ?? 0;
  }

  async close(): Promise<void> {
    await this.client.end();
  }
}
