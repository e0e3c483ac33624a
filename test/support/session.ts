import { Client } from 'pg';

/** A separate connection of a test, to hold locks, to read and to interfere. */
export class Session {
  private constructor(private readonly client: Client) {}

  static async open(url: string): Promise<Session> {
    const client = new Client({ connectionString: url });
    // The server may be stopped while this is idle; the next query reports it.
    client.on('error', () => undefined);
    await client.connect();
    return new Session(client);
  }

  async query<R extends object = Record<string, unknown>>(text: string, values: unknown[] = []): Promise<R[]> {
    const { rows } = await this.client.query<R & Record<string, unknown>>(text, values);
    return rows;
  }

  /** Locks records, like a transaction that changes them, until {@link release}. */
  async hold(teamId: string, ids: string[]): Promise<void> {
    await this.client.query('BEGIN');
    await this.client.query('SELECT FROM records WHERE team_id = $1 AND id = ANY ($2) FOR UPDATE', [teamId, ids]);
  }

  async release(): Promise<void> {
    await this.client.query('ROLLBACK');
  }

  /** The waits of gateways for a lock at this moment: when each began, by backend. */
  async lockWaits(): Promise<string[]> {
    const rows = await this.query<{ wait: string }>(
      `SELECT l.pid || ' ' || l.waitstart AS wait
         FROM pg_locks AS l JOIN pg_stat_activity AS a USING (pid)
        WHERE a.datname = current_database() AND a.application_name = 'prism-gateway' AND l.waitstart IS NOT NULL`,
    );
    return rows.map(({ wait }) => wait);
  }

  /** The number of backends of gateways that wait for a lock. */
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
