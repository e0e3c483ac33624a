import { createHash, randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { readSettings } from '#libs/config';
import { type Cancellation, type Database, openDatabase } from '#libs/database';
import type { LedgerKey } from '#libs/idempotency';
import { Deadline } from '#libs/limits';
import {
  type AppliedBatch,
  DEFAULT_OPTIONS,
  type BatchOptions,
  type Plan,
  type PlanItem,
  type QueryPage,
  RecordRepository,
} from '#libs/records';
import { createDatabase } from './database';
import { settledItems } from './ledger';
import { type Backend, Session } from './session';

/** A row of the table of records. */
export interface StoredRecord {
  id: string;
  object_type: string;
  properties: Record<string, unknown>;
  list: Record<string, unknown>;
  extended: Record<string, unknown>;
  version: number;
  deleted: boolean;
}

/** Longer than any tested batch. */
export const longBudgetMs = 20_000;

/** The write path on its own database, without HTTP and Redis. */
export class Engine {
  private constructor(
    readonly url: string,
    readonly database: Database,
    readonly records: RecordRepository,
    /** A connection outside of the engine's pool. */
    readonly session: Session,
    private readonly drop: () => Promise<void>,
  ) {}

  /** @param settings by environment variable */
  static async start(settings: Record<string, string> = {}): Promise<Engine> {
    const own = await createDatabase();
    return Engine.connect(own.url, settings, () => own.drop());
  }

  /**
   * An engine on an existing migrated database, such as that of another engine.
   *
   * @param session becomes the engine's {@link session}; by default, the engine opens one
   */
  static async connect(
    url: string,
    settings: Record<string, string> = {},
    drop = () => Promise.resolve(),
    session?: Session,
  ): Promise<Engine> {
    const read = readSettings({ DATABASE_URL: url, ...settings });
    const database = openDatabase(read);
    const repository = new RecordRepository(database, read);
    return new Engine(url, database, repository, session ?? (await Session.open(url)), drop);
  }

  /** Inserts records at version 1 with `{ name }` and returns their ids in ascending order. */
  async insert(teamId: string, count: number): Promise<string[]> {
    const ids = Array.from({ length: count }, () => randomUUID()).sort();
    await this.session.query(
      `INSERT INTO records (team_id, id, object_type, properties)
       SELECT $1, id, 'organization', '{"name": "Acme"}' FROM unnest($2::uuid[]) AS id`,
      [teamId, ids],
    );
    return ids;
  }

  /** All records of a team by id. */
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

  /** The etag of each record of a team, by id. */
  async etags(teamId: string): Promise<Map<string, string>> {
    const rows = await this.session.query<{ id: string; etag: string }>(
      'SELECT id, record_etag(version, updated_at) AS etag FROM records WHERE team_id = $1',
      [teamId],
    );
    return new Map(rows.map(({ id, etag }) => [id, etag]));
  }

  /** The positions (from 1) of the items that are settled in the ledger. */
  async settledItems(teamId: string): Promise<number[]> {
    return settledItems(this.session, teamId);
  }

  apply(
    plan: Plan,
    key?: LedgerKey,
    budgetMs: number = longBudgetMs,
    cancellation?: Cancellation,
  ): Promise<AppliedBatch> {
    return this.records.apply(plan, {
      deadline: Deadline.in(budgetMs),
      ...(key && { key }),
      ...(cancellation && { cancellation }),
    });
  }

  /** Resolves when `count` backends of engines wait for a lock. */
  async waitingBackends(count = 1): Promise<Backend[]> {
    for (;;) {
      const backends = await this.session.waitingBackends();
      if (backends.length >= count) return backends;
      await sleep(5);
    }
  }

  /** Terminates the backend that waits for a lock, as soon as there is one. */
  async terminateWaiting(): Promise<void> {
    for (const backend of await this.waitingBackends()) await this.session.terminate(backend);
  }

  async close(): Promise<void> {
    await this.database.close();
    await this.session.close();
    await this.drop();
  }
}

/** A batch of organizations. */
export function batch(teamId: string, items: PlanItem[], options: Partial<BatchOptions> = {}): Plan {
  return {
    operation: 'update',
    teamId,
    objectType: 'organization',
    items,
    options: { ...DEFAULT_OPTIONS, ...options },
  };
}

/** A batch that renames each of these records once. */
export function renames(teamId: string, ids: readonly string[], options?: Partial<BatchOptions>): Plan {
  return batch(
    teamId,
    ids.map((id) => rename(id)),
    options,
  );
}

/** A patch that increments the version each time it is applied. */
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

/** The key of a retry: equal, except for the request id. */
export function retryOf(key: LedgerKey): LedgerKey {
  return { ...key, requestId: randomUUID() };
}

/** The code of each item; `ok` for an applied one. */
export function codesOf({ outcomes }: AppliedBatch): string[] {
  return outcomes.map(({ code }) => code ?? 'ok');
}

/** The ids of the records of a page. */
export function idsOf({ entries }: QueryPage): string[] {
  return (JSON.parse(`[${entries}]`) as { id: string }[]).map(({ id }) => id);
}

export function entriesOf({ outcomes }: AppliedBatch): string[] {
  return outcomes.map(({ entry }) => entry);
}

export function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
