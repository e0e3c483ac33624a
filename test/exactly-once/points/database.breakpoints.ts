import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Session } from '../../support/session';

/** Where a batch can be stopped in Postgres. `item n`: before item n is applied and after the one before was committed. */
export type DatabasePoint =
  | 'request row'
  | `item ${number}`
  | `item ${number} applied`
  | 'flush'
  | 'flush marked'
  /** Flushed, but the backend has not responded yet. */
  | 'flush committed';

/** Server settings for `flush committed`: only marked transactions wait for a standby. */
export const breakpointSettings = { synchronous_commit: 'local' };
/** The name of that standby, which does not exist. */
const STANDBY = 'none';

/** Stops batches in a database, by triggers that wait for a lock that the test holds. */
export class DatabaseBreakpoints {
  private constructor(
    private readonly session: Session,
    private readonly url: string,
  ) {}

  static async install(url: string): Promise<void> {
    const session = await Session.open(url);
    await session.query(readFileSync(join(__dirname, 'database.breakpoints.sql'), 'utf8'));
    await session.close();
    const breakpoints = await DatabaseBreakpoints.open(url);
    await breakpoints.requireStandby();
    await breakpoints.close();
  }

  static async open(url: string): Promise<DatabaseBreakpoints> {
    const session = await Session.open(url);
    // Commits of this session must not flush those of the batch.
    await session.query('SET synchronous_commit = off');
    const breakpoints = new DatabaseBreakpoints(session, url);
    await breakpoints.disarm();
    return breakpoints;
  }

  /** Makes the next batch stop at this point. */
  async arm(point: DatabasePoint): Promise<void> {
    await this.session.query('SELECT pg_advisory_lock(0)');
    await this.session.query('INSERT INTO armed_breakpoint VALUES ($1)', [point]);
  }

  /** Resolves when a batch has reached the armed point. Later batches do not stop there. */
  async waitUntilReached(): Promise<void> {
    await this.waitingBackends(1);
    await this.disarm();
  }

  /** Removes the armed point. A crash of Postgres may undo an earlier removal. */
  private async disarm(): Promise<void> {
    await this.session.query('DELETE FROM armed_breakpoint');
  }

  /** Lets a stopped batch continue, if there is one. */
  async release(): Promise<void> {
    await this.session.query('SELECT pg_advisory_unlock_all()');
    if ((await this.standbyWaits()).length === 0) return;
    // The transaction is committed. Its wait must not be canceled: then the gateway would not know whether it counts.
    await this.setStandby('');
    while ((await this.standbyWaits()).length > 0) await sleep(5);
    await this.requireStandby();
  }

  /** Resolves when marked transactions wait for the standby. The server follows the setting a little later. */
  private async requireStandby(): Promise<void> {
    await this.setStandby(STANDBY);
    const other = await Session.open(this.url);
    const commit = `SELECT set_config('synchronous_commit', 'on', true), pg_logical_emit_message(true, '', '')`;
    let waits: number[] = [];
    while (waits.length === 0) {
      const committed = new AbortController();
      const done = other.query(commit).then(() => {
        committed.abort();
      });
      while (waits.length === 0 && !committed.signal.aborted) waits = await this.standbyWaits();
      await this.session.query('SELECT pg_cancel_backend(pid) FROM unnest($1::integer[]) AS pid', [waits]);
      await done;
    }
    await other.close();
  }

  private async setStandby(name: string): Promise<void> {
    await this.session.query(`ALTER SYSTEM SET synchronous_standby_names = '${name}'`);
    await this.session.query('SELECT pg_reload_conf()');
  }

  /** The process ids of backends whose commits wait for the standby. */
  private async standbyWaits(): Promise<number[]> {
    const rows = await this.session.query<{ pid: number }>(
      "SELECT pid FROM pg_stat_activity WHERE wait_event = 'SyncRep'",
    );
    return rows.map(({ pid }) => pid);
  }

  /** Terminates the backend of the stopped batch, like Postgres when it detects a closed connection. */
  async end(): Promise<void> {
    const pids = await this.waitingBackends(1);
    await this.session.query('SELECT pg_terminate_backend(pid) FROM unnest($1::integer[]) AS pid', [pids]);
    const gone = async (): Promise<boolean> =>
      (await this.session.query('SELECT FROM pg_stat_activity WHERE pid = ANY ($1)', [pids])).length === 0;
    while (!(await gone())) await sleep(5);
    await this.release();
  }

  /** Resolves when `count` backends wait, at the point or for a lock of one that does. @returns their process ids */
  async waitingBackends(count: number, enough?: AbortSignal): Promise<number[]> {
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
