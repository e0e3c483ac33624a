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

  async close(): Promise<void> {
    await this.client.end();
  }
}
