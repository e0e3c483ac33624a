import { createHash, randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { readSettings } from '#libs/config';
import { type Cancellation, type Database, openDatabase } from '#libs/database';
import type { LedgerKey } from '#libs/idempotency';
import { Deadline } from '#libs/limits';
import {
  type AppliedBatch,
  defaultOptions,
  type BatchOptions,
  type Plan,
  type PlanItem,
  RecordRepository,
} from '#libs/records';
import { createDatabase } from './database';
import { Session } from './session';

/** A record as the table has it. */
export interface StoredRecord {
  id: string;
  object_type: string;
  properties: Record<string, unknown>;
  list: Record<string, unknown>;
  extended: Record<string, unknown>;
  version: number;
  deleted: boolean;
}

/** Long enough that no deadline comes in the way of what is tested. */
export const ampleMs = 20_000;

/** The engine on a database of its own, without HTTP and without Redis. */
export class Engine {
  private constructor(
    readonly url: string,
    readonly database: Database,
    readonly records: RecordRepository,
    /** A connection beside those of the engine. */
    readonly session: Session,
    private readonly drop: () => Promise<void>,
  ) {}

  /** @param settings by environment variable */
  static async start(settings: Record<string, string> = {}): Promise<Engine> {
    const own = await createDatabase();
    return Engine.over(own.url, settings, () => own.drop());
  }

  /** Over a migrated database that exists, such as another engine's. */
  static async over(
    url: string,
    settings: Record<string, string> = {},
    drop = () => Promise.resolve(),
  ): Promise<Engine> {
    const read = readSettings({ DATABASE_URL: url, ...settings });
    const database = openDatabase(read);
    return new Engine(url, database, new RecordRepository(database, read), await Session.open(url), drop);
  }

  /** Inserts records at version 1 with `{ name }` and answers their ids, in their order. */
  async insert(teamId: string, count: number): Promise<string[]> {
    const ids = Array.from({ length: count }, () => randomUUID()).sort();
    await this.session.query(
      `INSERT INTO records (team_id, id, object_type, properties)
       SELECT $1, id, 'organization', '{"name": "Acme"}' FROM unnest($2::uuid[]) AS id`,
      [teamId, ids],
    );
    return ids;
  }

  /** Everything that the team has, by id. */
  async stored(teamId: string): Promise<Map<string, StoredRecord>> {
    const rows = await this.session.query<StoredRecord>(
      `SELECT id, object_type, properties, list, extended, version::integer, deleted_at IS NOT NULL AS deleted
         FROM records WHERE team_id = $1`,
      [teamId],
    );
    return new Map(rows.map((row) => [row.id, row]));
  }

  /** The versions of records, in the order of the ids. */
  async versions(teamId: string, ids: readonly string[]): Promise<(number | undefined)[]> {
    const stored = await this.stored(teamId);
    return ids.map((id) => stored.get(id)?.version);
  }

  /** The places (from 1) of the items that have an outcome in the ledger. */
  async ledger(teamId: string): Promise<number[]> {
    const rows = await this.session.query<{ item: number }>(
      'SELECT item FROM idempotency_items WHERE team_id = $1 ORDER BY item',
      [teamId],
    );
    return rows.map(({ item }) => item);
  }

  apply(plan: Plan, key?: LedgerKey, budgetMs: number = ampleMs, cancellation?: Cancellation): Promise<AppliedBatch> {
    return this.records.apply(plan, {
      deadline: Deadline.in(budgetMs),
      ...(key && { key }),
      ...(cancellation && { cancellation }),
    });
  }

  /** Resolves with the backends of engines that wait for a lock, as soon as there are so many. */
  async waiting(count = 1): Promise<number[]> {
    for (;;) {
      // Inside of a transaction the view does not change by itself.
      await this.session.query('SELECT pg_stat_clear_snapshot()');
      const rows = await this.session.query<{ pid: number }>(
        `SELECT pid FROM pg_stat_activity
          WHERE datname = current_database() AND application_name = 'prism-gateway' AND wait_event_type = 'Lock'`,
      );
      if (rows.length >= count) return rows.map(({ pid }) => pid);
      await sleep(5);
    }
  }

  async close(): Promise<void> {
    await this.database.close();
    await this.session.close();
    await this.drop();
  }
}

/** A batch of organizations. */
export function batch(teamId: string, items: PlanItem[], options: Partial<BatchOptions> = {}): Plan {
  return { operation: 'update', teamId, objectType: 'organization', items, options: { ...defaultOptions, ...options } };
}

/** A patch that every application of which can be told by the version. */
export function rename(id: string, name = 'Renamed'): PlanItem {
  return { op: 'update', id, set: { name } };
}

/** A new key of a new client. */
export function newKey(): LedgerKey {
  return {
    clientId: randomUUID(),
    keyHash: sha256(randomUUID()),
    fingerprint: sha256('a request'),
    requestId: randomUUID(),
  };
}

/** What a caller sends again: everything the same but the request's own id. */
export function retryOf(key: LedgerKey): LedgerKey {
  return { ...key, requestId: randomUUID() };
}

/** The code of each item; `ok` for an applied one. */
export function codesOf({ outcomes }: AppliedBatch): string[] {
  return outcomes.map(({ code }) => code ?? 'ok');
}

export function entriesOf({ outcomes }: AppliedBatch): string[] {
  return outcomes.map(({ entry }) => entry);
}

export function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
