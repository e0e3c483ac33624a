import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest';
import { setRowLevelSecurity } from '#libs/database';
import { batch, codesOf, Engine, newKey, rename } from '../support/engine';
import { startGateway } from '../support/gateway';
import { roleUrl } from '../support/server.database';
import { etagOf } from '../support/etags';

let owner: Engine;
/** Connects with the role of gateways, on one connection. */
let withRowLevelSecurity: Engine;
let ours: string;
let theirs: string;
let own: string;
let foreign: string;

beforeAll(async () => {
  owner = await Engine.start();
  withRowLevelSecurity = await Engine.connect(roleUrl(owner.url, inject('gatewayRole')), { DATABASE_POOL_SIZE: '1' });
});
afterAll(async () => {
  await withRowLevelSecurity.close();
  await owner.close();
});
beforeEach(async () => {
  [ours, theirs] = [randomUUID(), randomUUID()];
  [own = ''] = await owner.insert(ours, 1);
  [foreign = ''] = await owner.insert(theirs, 1);
  await withRowLevelSecurity.session.query("SELECT set_config('prism.team', $1, false)", [ours]);
});

describe('row-level security', () => {
  it('is enabled on every table with data of a team', async () => {
    const tables = await owner.session.query<{ name: string; secured: boolean }>(
      `SELECT t.relname AS name, t.relrowsecurity AND EXISTS (SELECT FROM pg_policy WHERE polrelid = t.oid) AS secured
         FROM pg_class AS t
        WHERE t.relkind IN ('r', 'p') AND NOT t.relispartition AND t.relnamespace = 'public'::regnamespace
          AND (t.relname = 'teams' OR EXISTS (
                SELECT FROM pg_attribute AS a WHERE a.attrelid = t.oid AND a.attname = 'team_id' AND NOT a.attisdropped))
        ORDER BY t.relname`,
    );
    expect(tables.length).toBeGreaterThanOrEqual(8);
    expect(tables.filter(({ secured }) => !secured)).toEqual([]);
  });

  it('hides rows of other teams even if a statement omits team_id', async () => {
    const ids = async (): Promise<unknown> =>
      (await withRowLevelSecurity.session.query<{ id: string }>('SELECT id FROM records')).map(({ id }) => id);
    expect(await ids()).toEqual([own]);
    for (const nobody of ['', 'x', theirs.toUpperCase(), randomUUID()]) {
      await withRowLevelSecurity.session.query("SELECT set_config('prism.team', $1, false)", [nobody]);
      expect(await ids()).toEqual([]);
    }
    await withRowLevelSecurity.session.query('RESET prism.team');
    expect(await ids()).toEqual([]);
  });

  it('prevents changes, inserts and moves of rows of other teams', async () => {
    const { session } = withRowLevelSecurity;
    expect(await session.query("UPDATE records SET properties = '{}' RETURNING id")).toEqual([{ id: own }]);
    const item = { op: 'create', id: randomUUID(), properties: {}, list: {}, extended: {} };
    await expect(
      session.query("SELECT apply_item($1, 'organization', $2)", [theirs, JSON.stringify(item)]),
    ).rejects.toThrow(/row-level security/);
    await expect(session.query('UPDATE records SET team_id = $1', [theirs])).rejects.toThrow(/row-level security/);
    expect((await owner.stored(theirs)).get(foreign)).toMatchObject({ version: 1, properties: { name: 'Acme' } });
  });

  it('hides ledger outcomes of other teams', async () => {
    await withRowLevelSecurity.apply(batch(theirs, [rename(foreign)]), newKey());
    expect(await owner.settledItems(theirs)).toEqual([1]);
    expect(await withRowLevelSecurity.session.query('SELECT FROM idempotency_outcomes')).toEqual([]);
    expect(await withRowLevelSecurity.session.query('SELECT FROM idempotency_progress')).toEqual([]);
    expect(await withRowLevelSecurity.session.query('SELECT FROM idempotency_requests')).toEqual([]);
  });
});

describe('a connection that is returned to the pool', () => {
  const team = async (): Promise<unknown> => {
    const { rows } = await withRowLevelSecurity.database.query<{ team: string | null }>(
      "SELECT NULLIF(current_setting('prism.team', true), '') AS team",
    );
    return rows[0]?.team;
  };

  it('has no tenant context after any use', async () => {
    const key = newKey();
    await withRowLevelSecurity.apply(batch(ours, [rename(own), rename(foreign)]), key);
    expect(await team()).toBeNull();
    await withRowLevelSecurity.apply(batch(ours, [rename(own)], { onError: 'rollback' }));
    expect(await team()).toBeNull();
    await withRowLevelSecurity.apply(batch(ours, [rename(own)], { dryRun: true }));
    expect(await team()).toBeNull();
    const other = { ...key, fingerprint: Buffer.alloc(32) };
    await expect(withRowLevelSecurity.apply(batch(ours, [rename(own)]), other)).rejects.toThrow();
    expect(await team()).toBeNull();
    expect((await withRowLevelSecurity.records.find(ours, 'organization', own, { timeoutMs: 1_000 }))?.etag).toEqual(
      etagOf(3),
    );
    expect(
      await withRowLevelSecurity.records.find(ours, 'organization', foreign, { timeoutMs: 1_000 }),
    ).toBeUndefined();
    expect(await team()).toBeNull();
  });

  it('is closed instead after a failure that could have left a tenant context', async () => {
    const pid = async (): Promise<unknown> =>
      (await withRowLevelSecurity.database.query('SELECT pg_backend_pid() AS pid')).rows[0];
    const before = await pid();
    await expect(
      withRowLevelSecurity.database.query("SELECT set_config('prism.team', $1, false), 1 / (SELECT 0)", [ours]),
    ).rejects.toThrow();
    expect(await pid()).not.toEqual(before);
    expect(await team()).toBeNull();
  });
});

it('row-level security can be switched on and off while a gateway serves', async () => {
  const gateway = await startGateway();
  try {
    const caller = await gateway.newCaller();
    const id = await caller.create();
    const succeeds = async (): Promise<void> => {
      const key = { 'idempotency-key': randomUUID() };
      expect((await caller.update([{ id, default: { name: 'B' } }], {}, key)).body.summary.succeeded).toBe(1);
      expect((await caller.update([{ id, default: { name: 'B' } }], {}, key)).headers['idempotent-replay']).toBe(
        'true',
      );
      expect((await caller.call('GET', caller.path(`organization/${id}`))).status).toBe(200);
      expect((await caller.call('GET', caller.path(`receipts/${key['idempotency-key']}`))).status).toBe(200);
    };
    for (const on of [false, true]) {
      const { tables } = await setRowLevelSecurity(gateway.database, on);
      const { rows } = await gateway.database.query<{ n: number }>(
        'SELECT count(*)::integer AS n FROM pg_class WHERE relrowsecurity',
      );
      expect(rows[0]?.n).toBe(on ? tables.length : 0);
      await succeeds();
    }
  } finally {
    await gateway.close();
  }
});

it('a patch with a key takes one statement, which sees the rows of its team only', async () => {
  expect(codesOf(await withRowLevelSecurity.apply(batch(ours, [rename(own)]), newKey()))).toEqual(['ok']);
  // `query` is the last statement of the connection.
  const [last] = await owner.session.query<{ query: string }>(
    `SELECT query FROM pg_stat_activity
      WHERE datname = current_database() AND usename = $1 AND application_name = 'prism-gateway'`,
    [inject('gatewayRole')],
  );
  expect(last?.query).toContain('INSERT INTO idempotency_requests');
  expect(codesOf(await withRowLevelSecurity.apply(batch(ours, [rename(foreign)]), newKey()))).toEqual(['not_found']);
});

it('a statement without tenant context fails no item', async () => {
  const id = randomUUID();
  expect(codesOf(await withRowLevelSecurity.apply(batch(ours, [rename(foreign), rename(id), rename(own)])))).toEqual([
    'not_found',
    'not_found',
    'ok',
  ]);
});
