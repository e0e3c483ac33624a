import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { BUILT_IN_DEFINITIONS } from '#libs/properties';
import { ApiClient } from '../support/api.client';
import { createDatabase, type TestDatabase } from '../support/database';
import { startGateway } from '../support/gateway';
import { startImportWorker } from '../support/import.worker';
import { addLedgerDay, startRetention } from '../support/retention';
import { roleUrl } from '../support/server.database';
import { Session } from '../support/session';

/**
 * How often each query is sent on the only connection. The third use prepares its statement. After five executions of a prepared
 * statement, Postgres could choose a plan that does not know the values.
 */
const USES = 10;

let database: TestDatabase;
/** Reads only: its own statements would be counted late. */
let session: Session;

/** Rows of other teams: enough that a sequential scan is expensive. */
const others = `
  INSERT INTO teams (id, name) SELECT gen_random_uuid(), 'Team ' || n FROM generate_series(1, 2000) AS n;
  INSERT INTO clients (team_id, id, name) SELECT id, gen_random_uuid(), 'billing' FROM teams;
  INSERT INTO client_limits (team_id, client_id, items_per_second, items_burst) SELECT team_id, id, 500, 1000 FROM clients;
  INSERT INTO api_keys (team_id, id, client_id, key_id, secret_hash, scopes)
    SELECT team_id, gen_random_uuid(), id, id::text, sha256(id::text::bytea), '{records:write}' FROM clients;
  INSERT INTO property_definitions (team_id, object_type, id, slug, type, name)
    SELECT id, 'organization', gen_random_uuid(), 'own', 'select', 'Own' FROM teams;
  INSERT INTO property_options (team_id, property_id, id, slug, value)
    SELECT team_id, id, gen_random_uuid(), 'one', 'One' FROM property_definitions;
  INSERT INTO records (team_id, id, object_type, properties)
    SELECT id, gen_random_uuid(), 'organization', '{"name": "Acme"}' FROM teams, generate_series(1, 10);
  INSERT INTO record_lookups (team_id, record_id, property_id, value_hash)
    SELECT team_id, id, gen_random_uuid(), sha256(id::text::bytea) FROM records;
  INSERT INTO idempotency_progress (team_id, request_id, settled) SELECT id, -1, '\\x00' FROM teams;
  INSERT INTO import_jobs (team_id, id, client_id, client_name, object_type, request_id, within_request, status, total, expires_at)
    SELECT id, gen_random_uuid(), id, 'billing', 'organization', 'x', false, 'complete', 100, now() + interval '1 day' FROM teams;
  INSERT INTO import_chunks (team_id, job_id, chunk, row_count, results)
    SELECT team_id, id, n, 100, '{}' FROM import_jobs, generate_series(0, 3) AS n`;

beforeAll(async () => {
  database = await createDatabase();
  const filling = await Session.open(database.url);
  await filling.query(others);
  for (const daysAgo of [0, 1, 9]) await addLedgerDay(filling, daysAgo, 3_000);
  await filling.query('VACUUM ANALYZE');
  await filling.close();
  session = await Session.open(database.url);
  await alone();
});
afterAll(async () => {
  await session.close();
  await database.drop();
});

/** The number of rows that sequential scans have read, by table. The default partition of outcomes is empty. */
async function rowsScanned(): Promise<Map<string, number>> {
  const rows = await session.query<{ name: string; scanned: number }>(
    'SELECT relname AS name, seq_tup_read::integer AS scanned FROM pg_stat_user_tables ORDER BY relname',
  );
  return new Map(rows.map(({ name, scanned }) => [name, scanned]));
}

/** Resolves when no other connection is open: the counters of a connection are complete when it ends. */
async function alone(): Promise<void> {
  let left = 1;
  while (left > 0) {
    const rows = await session.query(
      `SELECT FROM pg_stat_activity
        WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()`,
    );
    left = rows.length;
  }
}

/** Every kind of item and batch, with a key and without. */
async function useAll(caller: ApiClient): Promise<void> {
  const list = randomUUID();
  const ids = await Promise.all(Array.from({ length: 40 }, () => caller.create()));
  const [first = '', second = '', third = '', fourth = ''] = ids;
  const items = [
    ...ids.map((id) => ({ id, default: { stage: 'won' } })),
    { id: first },
    { id: first, default: { tags: { _op: 'append', values: ['a'] }, notes: null }, list: { [list]: { owner: 'x' } } },
    { id: second, extended: { a: 1 }, if_match: (await caller.read(second)).etag },
    { id: randomUUID(), default: { stage: 'won' } },
    { id: second, default: { employees: 'a few' } },
  ];
  for (const options of [
    {},
    { on_error: 'stop' },
    { on_error: 'rollback' },
    { dry_run: true },
    { return: 'minimal' },
  ]) {
    const key = { 'idempotency-key': randomUUID() };
    expect((await caller.update(items, options)).status).toBe(200);
    expect((await caller.update(items, options, key)).status).toBe(200);
    expect((await caller.update(items, options, key)).status).toBe(200);
    const receipt = await caller.call('GET', caller.path(`receipts/${key['idempotency-key']}`));
    expect(receipt.status).toBe(options.dry_run === true ? 404 : 200);
  }
  const one = caller.path(`organization/${third}`);
  const headers = { 'idempotency-key': randomUUID() };
  expect((await caller.call('PATCH', one, { body: { default: { name: 'New' } }, headers })).status).toBe(200);
  expect((await caller.call('GET', one)).status).toBe(200);
  expect((await caller.call('GET', caller.path('organization/properties'))).status).toBe(200);
  const byDomain = caller.path('organization/by/primary_domain/acme.example');
  await caller.update([{ id: second, default: { primary_domain: 'acme.example' } }]);
  expect((await caller.call('GET', byDomain)).status).toBe(200);
  await caller.update([{ id: second, default: { primary_domain: null } }]);
  for (const path of [
    '?deleted=true',
    '?primary_domain=acme.example',
    '?stage=won&include_total=true',
    '?sort=name',
    `?id=${first}`,
    '/count',
  ]) {
    expect((await caller.call('GET', caller.path(`organization${path}`))).status, path).toBe(200);
  }
  for (const rows of [2, 150]) {
    const body = { objects: Array.from({ length: rows }, () => ({ default: { name: 'Imported' } })) };
    const options = { body, headers: { 'idempotency-key': randomUUID() } };
    const first = await caller.call('POST', caller.path('organization/import'), options);
    expect((await caller.call('POST', caller.path('organization/import'), options)).text).toBe(first.text);
    const { location } = first.headers;
    if (location !== undefined) expect((await caller.call('GET', String(location))).status).toBe(200);
  }
  const deleted = await caller.call('POST', caller.path('organization/batch/delete'), {
    body: { ids: [third, fourth] },
  });
  expect(deleted.status).toBe(200);
}

it('neither the gateway nor retention reads a whole table', { timeout: 60_000 }, async () => {
  const before = await rowsScanned();
  const gateway = await startGateway({ databaseUrl: database.url });
  const caller = await gateway.newCaller();
  await useAll(caller);
  // Without Redis replays and retries are looked up in the ledger.
  const without = await startGateway({ databaseUrl: database.url, settings: { REDIS_URL: '' } });
  await useAll(await without.newCaller({ teamId: caller.teamId, client: 'another' }));
  const retention = startRetention(database.url);
  expect((await retention.run()).requests).toBe(3_000);
  await retention.close();
  const worker = startImportWorker(database.url);
  await worker.runAll();
  expect(await worker.jobs.backlog()).toMatchObject({ jobs: 0 });
  expect(await worker.jobs.purge()).toBe(2);
  await worker.close();
  await without.close();
  await gateway.close();
  await alone();

  const after = await rowsScanned();
  // Not tables created during the test, whose index creation scans them.
  const scanned = [...before].filter(([name, rows]) => (after.get(name) ?? 0) > rows);
  expect(scanned).toEqual([]);
});

it(
  'a page of the default order reads the records that it returns and one more, at any depth',
  { timeout: 60_000 },
  async () => {
    const gateway = await startGateway({ databaseUrl: database.url });
    const { document, credentials, teamId } = await gateway.newCaller();
    await gateway.close();
    const filling = await Session.open(database.url);
    await filling.query(
      `INSERT INTO records (team_id, id, object_type, properties, created_at, deleted_at)
     SELECT $1, gen_random_uuid(), 'organization', '{"name": "Acme"}', now() - n / 3 * interval '1 s', CASE WHEN n <= 500 THEN now() END
       FROM generate_series(1, 20000) AS n`,
      [teamId],
    );
    await filling.query('VACUUM ANALYZE records');
    await filling.close();
    await alone();
    const rowsRead = async (): Promise<number> => {
      const [row] = await session.query<{ n: number }>(
        "SELECT (seq_tup_read + idx_tup_fetch)::integer AS n FROM pg_stat_user_tables WHERE relname = 'records'",
      );
      return row?.n ?? 0;
    };
    const before = await rowsRead();

    // With row-level security, and connections on which prism.team was never set: the planner then knows least.
    const secured = await startGateway({
      databaseUrl: roleUrl(database.url, inject('gatewayRole')),
      settings: { DATABASE_POOL_SIZE: '1' },
    });
    const caller = new ApiClient(secured.url, document, credentials);
    const deep = { '<': new Date(Date.now() - 5_000_000).toISOString() };
    const pageAfter = async (cursor: string | null): Promise<string | null> => {
      const query = { select: ['name'], filter: [{ created_at: deep }], limit: 25, ...(cursor !== null && { cursor }) };
      const { status, body } = await caller.call('POST', caller.path('organization/query'), { body: { query } });
      expect([status, body.data.length]).toEqual([200, 25]);
      return body.next_cursor;
    };
    for (let use = 1; use <= USES; use += 1) {
      for (const path of ['', '?sort=created_at', '?deleted=true']) {
        const { body } = await caller.call('GET', caller.path(`organization${path}`));
        expect(body.data).toHaveLength(25);
      }
      await pageAfter(await pageAfter(null));
    }
    await secured.close();
    await alone();
    // Five pages, of which one merges live and deleted records.
    expect((await rowsRead()) - before).toBeLessThanOrEqual(USES * 6 * 26);
  },
);

it('a prepared statement with plan_with_values is planned with its values each time', async () => {
  await session.query('PREPARE by_team AS SELECT FROM records WHERE team_id = $1 AND ($2 OR plan_with_values())');
  for (let use = 1; use <= USES; use += 1) await session.query(`EXECUTE by_team ('${randomUUID()}', true)`);
  const plans = await session.query(
    "SELECT generic_plans::integer, custom_plans::integer FROM pg_prepared_statements WHERE name = 'by_team'",
  );
  expect(plans).toEqual([{ generic_plans: 0, custom_plans: USES }]);
});

it('a lookup reads the records that have the value, and no others', { timeout: 60_000 }, async () => {
  const gateway = await startGateway({ databaseUrl: database.url });
  const { document, credentials, teamId } = await gateway.newCaller();
  await gateway.close();
  const filling = await Session.open(database.url);
  const [{ id: propertyId } = { id: '' }] =
    BUILT_IN_DEFINITIONS.get('organization')?.filter(({ slug }) => slug === 'primary_domain') ?? [];
  await filling.query(
    `WITH made AS (
       INSERT INTO records (team_id, id, object_type, properties)
       SELECT $1, gen_random_uuid(), 'organization', jsonb_build_object('name', 'Acme', 'primary_domain', 'domain-' || n / 2)
         FROM generate_series(1, 20000) AS n
       RETURNING team_id, id, properties
     )
     INSERT INTO record_lookups (team_id, record_id, property_id, value_hash)
     SELECT team_id, id, $2, lookup_hash('text', properties -> 'primary_domain') FROM made`,
    [teamId, propertyId],
  );
  await filling.query('VACUUM ANALYZE records');
  await filling.query('VACUUM ANALYZE record_lookups');
  await filling.close();
  await alone();
  const rowsRead = async (): Promise<number> => {
    const [row] = await session.query<{ n: number }>(
      `SELECT sum(seq_tup_read + idx_tup_fetch)::integer AS n FROM pg_stat_user_tables
        WHERE relname IN ('records', 'record_lookups')`,
    );
    return row?.n ?? 0;
  };
  const before = await rowsRead();

  const secured = await startGateway({
    databaseUrl: roleUrl(database.url, inject('gatewayRole')),
    settings: { DATABASE_POOL_SIZE: '1' },
  });
  const caller = new ApiClient(secured.url, document, credentials);
  for (let use = 1; use <= USES; use += 1) {
    expect((await caller.call('GET', caller.path('organization/by/primary_domain/domain-10000'))).status).toBe(200);
    expect((await caller.call('GET', caller.path('organization/by/primary_domain/domain-7'))).status).toBe(409);
    for (const query of ['primary_domain=domain-8', 'primary_domain=domain-8&sort=name&include_total=true']) {
      expect((await caller.call('GET', caller.path(`organization?${query}`))).body.data).toHaveLength(2);
    }
    const several = { primary_domain: { in: ['domain-9', 'domain-10', 'domain-11', 'none'] } };
    const { body } = await caller.call('POST', caller.path('organization/query'), {
      body: { query: { select: ['name'], filter: [several, { name: { contains: 'A' } }] } },
    });
    expect(body.data).toHaveLength(6);
  }
  await secured.close();
  await alone();
  // 1, 2, 2, 2 and 2 (the total), and 6 records; at most as many rows of the lookup, of which most are read from the index alone.
  expect((await rowsRead()) - before).toBeLessThanOrEqual(USES * 2 * 15);
});
