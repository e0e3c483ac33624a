import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readSettings } from '#libs/config';
import { migrate } from '#libs/database';
import { ReceiptRepository } from '#libs/idempotency';
import type { BatchOptions, PlanItem } from '#libs/records';
import { batch, codesOf, Engine, newKey, rename } from '../support/engine';
import { PostgresServer } from '../support/postgres.server';
import { Session } from '../support/session';

/*
 * The cost of a batch in Postgres, in counters, which unlike durations are the same on every machine.
 */

/** Disables background flushes, WAL and cleanup, so that only the batch is counted. */
const quiet = {
  autovacuum: 'off',
  bgwriter_lru_maxpages: '0',
  checkpoint_timeout: '3600',
  // The first change of a page after a checkpoint logs the whole page.
  full_page_writes: 'off',
};

let server: PostgresServer;
/** Reads only: its own writes would be counted late, with those of a batch. */
let reader: Session;
let walWriter: number;

beforeAll(async () => {
  server = await PostgresServer.create(quiet);
  await migrate(server.url);
  reader = await Session.open(server.url);
  walWriter = await freezeWalWriter();
});
afterAll(async () => {
  process.kill(walWriter, 'SIGCONT');
  await reader.close();
  await server.remove();
});

/** Suspends the WAL writer, which flushes on its own, while it holds no lock. */
async function freezeWalWriter(): Promise<number> {
  for (;;) {
    const [writer] = await reader.query<{ pid: number }>(
      "SELECT pid FROM pg_stat_activity WHERE backend_type = 'walwriter'",
    );
    if (writer === undefined) continue; // still starting
    process.kill(writer.pid, 'SIGSTOP');
    const [frozen] = await reader.query('SELECT wait_event FROM pg_stat_activity WHERE pid = $1', [writer.pid]);
    if (frozen?.wait_event === 'WalWriterMain') return writer.pid;
    process.kill(writer.pid, 'SIGCONT');
  }
}

/** Cumulative counters of the server. */
interface Counts {
  flushes: number;
  walBytes: number;
  updates: number;
  hotUpdates: number;
  /** Updates of the ledger's request rows, and the HOT ones among them. */
  requestUpdates: number;
  hotRequestUpdates: number;
  /** Updates of progress rows, and the HOT ones among them. */
  marks: number;
  hotMarks: number;
}

async function counts(): Promise<Counts> {
  const [{ version } = { version: 0 }] = await reader.query<{ version: number }>(
    "SELECT current_setting('server_version_num')::integer AS version",
  );
  const flushes =
    version >= 180_000
      ? "(SELECT sum(fsyncs) FROM pg_stat_io WHERE object = 'wal')"
      : '(SELECT wal_sync FROM pg_stat_wal)';
  const [row] = await reader.query<Counts>(
    `SELECT ${flushes}::integer AS flushes, pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::float8 AS "walBytes",
            r.n_tup_upd::integer AS updates, r.n_tup_hot_upd::integer AS "hotUpdates",
            q.n_tup_upd::integer AS "requestUpdates", q.n_tup_hot_upd::integer AS "hotRequestUpdates",
            p.n_tup_upd::integer AS marks, p.n_tup_hot_upd::integer AS "hotMarks"
       FROM pg_stat_user_tables AS r, pg_stat_user_tables AS q, pg_stat_user_tables AS p
      WHERE r.relname = 'records' AND q.relname = 'idempotency_requests' AND p.relname = 'idempotency_progress'`,
  );
  if (row === undefined) throw new Error('the tables do not exist');
  return row;
}

/** The increase of the counters during `work`. Postgres reports the counters of a connection completely when it ends. */
async function costOf(work: (engine: Engine) => Promise<void>, settings: Record<string, string> = {}): Promise<Counts> {
  const before = await counts();
  const engine = await Engine.connect(server.url, { DATABASE_POOL_SIZE: '1', ...settings });
  await work(engine);
  await engine.close();
  await ended();
  const after = await counts();
  const names = Object.keys(after) as (keyof Counts)[]; // the keys of Counts
  return Object.fromEntries(names.map((name) => [name, after[name] - before[name]])) as Record<keyof Counts, number>;
}

/** Resolves when only the reader is connected. */
async function ended(): Promise<void> {
  let left = 1;
  while (left > 0) {
    const rows = await reader.query(
      "SELECT FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()",
    );
    left = rows.length;
  }
}

interface TeamRecords {
  teamId: string;
  ids: string[];
}

/** Inserts records of about 300 bytes, vacuums them, and starts a new WAL segment. */
async function newRecords(count: number): Promise<TeamRecords> {
  const teamId = randomUUID();
  const session = await Session.open(server.url);
  const rows = await session.query<{ id: string }>(
    `INSERT INTO records (team_id, id, object_type, properties)
     SELECT $1, gen_random_uuid(), 'organization', jsonb_build_object(
              'name', 'Organization ' || n || ' of the Northern Trade Registry', 'primary_domain', 'organization-' || n || '.example.com',
              'employees', n, 'stage', 'lead', 'tags', '["customer", "region-north", "since-2004"]'::jsonb, 'notes', repeat('.', 100))
       FROM generate_series(1, $2::integer) AS n
     RETURNING id`,
    [teamId, count],
  );
  await session.query("SELECT ensure_ledger_partition((now() AT TIME ZONE 'UTC')::date)");
  await session.query('VACUUM ANALYZE records');
  // The switch to a segment causes a flush in the next commit, which is this one.
  await session.query('SELECT pg_switch_wal()');
  await session.query("SELECT pg_logical_emit_message(true, 'test', '')");
  await session.close();
  await ended();
  return { teamId, ids: rows.map(({ id }) => id) };
}

function patches(ids: readonly string[], employees = 7): PlanItem[] {
  return ids.map((id) => ({ op: 'update', id, set: { employees, stage: 'won' } }));
}

describe('a batch of 100', () => {
  async function flushes(
    given: { keyed?: boolean; options?: Partial<BatchOptions>; settings?: Record<string, string> } = {},
    itemsOf: (records: TeamRecords) => PlanItem[] = ({ ids }) => patches(ids),
  ): Promise<number> {
    const made = await newRecords(100);
    const cost = await costOf(async (engine) => {
      await engine.apply(batch(made.teamId, itemsOf(made), given.options), given.keyed === true ? newKey() : undefined);
    }, given.settings);
    return cost.flushes;
  }

  it('flushes once', async () => {
    expect(await flushes()).toBe(1);
  });

  it('flushes once with a key', async () => {
    expect(await flushes({ keyed: true })).toBe(1);
  });

  it('flushes once with on_error rollback', async () => {
    expect(await flushes({ options: { onError: 'rollback' } })).toBe(1);
  });

  it('flushes once per item with DURABILITY=item', async () => {
    expect(await flushes({ settings: { DURABILITY: 'item' } })).toBe(100);
  });

  it('does not flush if no item is applied', async () => {
    expect(await flushes({}, ({ ids }) => ids.map(() => rename(randomUUID())))).toBe(0);
  });

  it('flushes once if it has one item', async () => {
    expect(await flushes({}, ({ ids }) => patches(ids.slice(0, 1)))).toBe(1);
  });
});

describe('a receipt', () => {
  it('flushes once, so that what it acknowledges is durable, and not at all if the key is unknown', async () => {
    const { teamId, ids } = await newRecords(2);
    const key = newKey();
    await costOf(async (engine) => {
      await engine.apply(batch(teamId, patches(ids)), key);
    });
    const settings = readSettings({ DATABASE_URL: server.url });
    const flushes = async (clientId: string): Promise<unknown> => {
      let found = false;
      const cost = await costOf(async ({ database }) => {
        const receipts = new ReceiptRepository(database, settings);
        found = (await receipts.find({ teamId, clientId, keyHash: key.keyHash }, {})) !== undefined;
      });
      return { found, flushes: cost.flushes };
    };
    expect(await flushes(key.clientId)).toEqual({ found: true, flushes: 1 });
    expect(await flushes(randomUUID())).toEqual({ found: false, flushes: 0 });
  });
});

describe('patches', () => {
  it('are HOT updates, which change no index', async () => {
    const { teamId, ids } = await newRecords(2_000);
    const cost = await costOf(async (engine) => {
      for (let first = 0; first < 2_000; first += 100) {
        const items = patches(ids.slice(first, first + 100));
        await engine.apply(batch(teamId, items), first % 200 === 0 ? newKey() : undefined);
      }
    });
    expect(cost).toMatchObject({ updates: 2_000, hotUpdates: 2_000, requestUpdates: 10, hotRequestUpdates: 10 });
    expect(cost).toMatchObject({ marks: 1_000, hotMarks: 1_000 });
  });

  it('have HOT marks even while another transaction keeps a snapshot, so that no version can be removed', async () => {
    const { teamId, ids } = await newRecords(1_000);
    const cost = await costOf(async (engine) => {
      await reader.query('BEGIN ISOLATION LEVEL REPEATABLE READ');
      await reader.query('SELECT FROM teams');
      for (let first = 0; first < 1_000; first += 100) {
        await engine.apply(batch(teamId, patches(ids.slice(first, first + 100))), newKey());
      }
      await reader.query('COMMIT');
    });
    expect(cost).toMatchObject({ marks: 1_000, hotMarks: 1_000 });
  });

  it('reuse the space of earlier versions without a vacuum', async () => {
    const { teamId, ids } = await newRecords(100);
    const size = "SELECT pg_relation_size('records') AS heap, pg_relation_size('records_pkey') AS index";
    const before = await reader.query(size);
    const cost = await costOf(async (engine) => {
      for (let round = 0; round < 40; round += 1) await engine.apply(batch(teamId, patches(ids, round)));
    });
    expect(cost).toMatchObject({ updates: 4_000, hotUpdates: 4_000 });
    expect(await reader.query(size)).toEqual(before);
  });

  it('change no indexed column', async () => {
    const rows = await reader.query<{ columns: string[] }>(
      `SELECT array_agg(DISTINCT a.attname::text) AS columns
         FROM pg_index AS i
         JOIN pg_attribute AS a ON a.attrelid = i.indrelid
        WHERE i.indrelid = 'records'::regclass
          AND (a.attnum = ANY (i.indkey)
               -- in an expression or a condition
               OR EXISTS (SELECT FROM pg_depend AS d
                           WHERE d.objid = i.indexrelid AND d.refobjid = i.indrelid AND d.refobjsubid = a.attnum))`,
    );
    expect(rows[0]?.columns).toEqual(expect.arrayContaining(['team_id', 'id']));
    for (const changed of ['properties', 'list', 'extended', 'version', 'updated_at']) {
      expect(rows[0]?.columns).not.toContain(changed);
    }
  });
});

describe('transaction ids', () => {
  // docs/transaction-ids.md has the arithmetic. An item's error handling is a subtransaction, with an id of its own.
  it.each([
    ['of a batch of 100: two for each item, and one to flush', 100, {}, false, 201],
    ['of a keyed batch of 100: two for each item, and two for the request', 100, {}, true, 202],
    ['of 100 items in one transaction: two', 100, { onError: 'rollback' }, false, 2],
    ['of 100 items in one keyed transaction: two', 100, { onError: 'rollback' }, true, 2],
    ['of a single patch: one', 1, {}, false, 1],
    ['of a single keyed patch: one', 1, {}, true, 1],
  ] as const)('%s', async (_, items, options, keyed, expected) => {
    const { teamId, ids } = await newRecords(items);
    const nextId = async (): Promise<number> => {
      const [row] = await reader.query<{ id: number }>(
        'SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint::float8 AS id',
      );
      return row?.id ?? NaN;
    };
    const before = await nextId();
    await costOf(async (engine) => {
      await engine.apply(batch(teamId, patches(ids), options), keyed ? newKey() : undefined);
    });
    expect((await nextId()) - before).toBe(expected);
  });
});

describe('the WAL of a patch', () => {
  /** Bytes per item, in batches of 100 after the first one. */
  async function walBytes(keyed: boolean): Promise<number> {
    const { teamId, ids } = await newRecords(600);
    const read: number[] = [];
    await costOf(async (engine) => {
      for (let first = 0; first < 600; first += 100) {
        const items = patches(ids.slice(first, first + 100));
        const response = await engine.apply(batch(teamId, items), keyed ? newKey() : undefined);
        expect(codesOf(response)).toEqual(Array(100).fill('ok'));
        read.push((await counts()).walBytes);
      }
    });
    return ((read.at(-1) ?? NaN) - (read[0] ?? NaN)) / 500;
  }

  // Bounds: the measured value and 15%.
  it('without a key is little more than the new version of the record', async () => {
    expect(await walBytes(false)).toBeLessThan(585); // 509
  });

  it('with a key also contains the mark, and the compressed outcome', async () => {
    expect(await walBytes(true)).toBeLessThan(767); // 667
  });
});
