import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Session } from '../../support/session';

/** Where a batch can be stopped in Postgres. `item n`: before it is applied, the one before it being committed. */
export type DatabasePoint =
  | 'request row'
  | `item ${number}`
  | `item ${number} applied`
  | 'flush'
  | 'flush marked'
  /** On disk, but its backend has not answered yet. */
  | 'flush committed';

/** What the database must be started with for `flush committed`: nothing waits for the standby but what is told to. */
export const breakpointSettings = { synchronous_standby_names: 'nobody', synchronous_commit: 'local' };

/** Stops batches in a database, by triggers that wait for a lock that the test holds. */
export class DatabaseBreakpoints {
  private constructor(private readonly session: Session) {}

  static async install(url: string): Promise<void> {
    const session = await Session.open(url);
    await session.query(readFileSync(join(__dirname, 'database.breakpoints.sql'), 'utf8'));
    await session.close();
  }

  static async open(url: string): Promise<DatabaseBreakpoints> {
    const session = await Session.open(url);
    // What this session commits must not bring to disk what the batch has not.
    await session.query('SET synchronous_commit = off');
    const breakpoints = new DatabaseBreakpoints(session);
    await breakpoints.disarm();
    return breakpoints;
  }

  /** The next batch stops at this point. */
  async arm(point: DatabasePoint): Promise<void> {
    await this.session.query('SELECT pg_advisory_lock(0)');
    await this.session.query('INSERT INTO armed_breakpoint VALUES ($1)', [point]);
  }

  /** Resolves when a batch has come to the point that was armed. Further ones do not stop there. */
  async reached(): Promise<void> {
    await this.waiting(1);
    await this.disarm();
  }

  /** No batch stops. After a crash of Postgres an earlier one of these may be undone. */
  private async disarm(): Promise<void> {
    await this.session.query('DELETE FROM armed_breakpoint');
  }

  /** Lets what is stopped go on, if anything is. */
  async release(): Promise<void> {
    await this.session.query('SELECT pg_advisory_unlock_all()');
    // Ends the wait for the standby; the transaction has been committed before.
    await this.session.query(`SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'`);
  }

  /** Ends the stopped batch as Postgres does when it notices that nobody waits for its answer. */
  async end(): Promise<void> {
    const pids = await this.waiting(1);
    await this.session.query('SELECT pg_terminate_backend(pid) FROM unnest($1::integer[]) AS pid', [pids]);
    const gone = async (): Promise<boolean> =>
      (await this.session.query('SELECT FROM pg_stat_activity WHERE pid = ANY ($1)', [pids])).length === 0;
    while (!(await gone())) await sleep(5);
    await this.release();
  }

  /** Resolves with the backends when so many wait: at the point, or for what another holds that waits there. */
  async waiting(count: number, enough?: AbortSignal): Promise<number[]> {
    for (;;) {
      const rows = await this.session.query<{ pid: number }>(
        `SELECT pid FROM pg_stat_activity
          WHERE application_name = 'prism-gateway' AND (wait_event_type = 'Lock' OR wait_event = 'SyncRep')`,
      );
      if (rows.length >= count || enough?.aborted === true) return rows.map(({ pid }) => pid);
      await sleep(5);
    }
  }

  async close(): Promise<void> {
    await this.session.close();
  }
}
