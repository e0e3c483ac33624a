import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { AccessService } from '#libs/auth';
import { applyGrants } from '#libs/database';
import type { PlanItem } from '#libs/records';
import { batch, codesOf, Engine, newKey, rename, retryOf } from '../support/engine';
import { defineProperty, setLookup } from '../support/lookups';
import { addLedgerDay, ledgerDays, startRetention } from '../support/retention';
import { roleUrl } from '../support/server.database';
import { Session } from '../support/session';
import { etagOf } from '../support/etags';

const DENIED = /permission denied|must be (owner|superuser)/;

let owner: Engine;
let gateway: Engine;
let worker: Session;

beforeAll(async () => {
  owner = await Engine.start();
  gateway = await Engine.connect(roleUrl(owner.url, inject('gatewayRole')));
  worker = await Session.open(roleUrl(owner.url, inject('workerRole')));
});
afterAll(async () => {
  await worker.close();
  await gateway.close();
  await owner.close();
});

describe("the gateway's role", () => {
  it('permits everything that a batch does', async () => {
    const teamId = randomUUID();
    const [first = '', second = ''] = await owner.insert(teamId, 2);
    const lookups = [{ id: randomUUID(), slug: 'name', kind: 'text', unique: true, building: true }] as const;
    const items: PlanItem[] = [
      { op: 'create', id: randomUUID(), properties: { name: 'New' }, list: {}, extended: {}, lookups },
      rename(first),
      { op: 'read', id: first },
      { op: 'delete', id: second },
      rename(randomUUID()),
    ];
    const key = newKey();
    const codes = ['ok', 'ok', 'ok', 'ok', 'not_found'];
    expect(codesOf(await gateway.apply(batch(teamId, items), key))).toEqual(codes);
    expect((await gateway.apply(batch(teamId, items), retryOf(key))).state).toBe('replayed');
    expect(codesOf(await gateway.apply(batch(teamId, [rename(first)], { onError: 'rollback' })))).toEqual(['ok']);
    expect(codesOf(await gateway.apply(batch(teamId, [rename(first)], { dryRun: true })))).toEqual(['ok']);
    expect(codesOf(await gateway.apply(batch(teamId, [{ op: 'read', id: first }]), newKey()))).toEqual(['ok']);
    expect((await gateway.records.find(teamId, 'organization', first, { timeoutMs: 1_000 }))?.etag).toEqual(etagOf(3));
  });

  it.each([
    'DROP TABLE records',
    'TRUNCATE records',
    'DELETE FROM records',
    'ALTER TABLE records DISABLE ROW LEVEL SECURITY',
    'ALTER TABLE records ADD stolen text',
    'DROP POLICY team_isolation ON records',
    'DELETE FROM idempotency_outcomes',
    "SELECT ensure_ledger_partition('2032-01-01')",
    'DELETE FROM idempotency_requests',
    'SELECT secret_hash FROM api_keys',
    "INSERT INTO api_keys SELECT gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), 'x', '\\x00', '{}'",
    'UPDATE api_keys SET revoked_at = NULL',
    'SELECT FROM clients',
    'SELECT FROM client_limits',
    'UPDATE client_limits SET items_per_second = 0',
    "INSERT INTO teams (id, name) VALUES (gen_random_uuid(), 'Mine')",
    'SELECT FROM teams',
    'UPDATE property_definitions SET locked = false',
    "INSERT INTO property_definitions (team_id, object_type, id, slug, type, name, native) VALUES (gen_random_uuid(), 'deal', gen_random_uuid(), 'a', 'num', 'A', true)",
    "UPDATE property_options SET slug = 'other'",
    "INSERT INTO schema_migrations (name, checksum) VALUES ('x', 'y')",
    "SELECT purge_idempotency_requests('0', NULL, 100)",
    "SELECT detach_ledger_partition('2020-01-01')",
    "SELECT drop_ledger_partition('2020-01-01')",
    'DELETE FROM import_jobs',
    "UPDATE import_chunks SET items = ''",
    "SELECT claim_import_job(gen_random_uuid(), '1 s')",
    'SELECT purge_import_jobs(1)',
    'SELECT import_backlog()',
    'SELECT find_import_spellings(gen_random_uuid(), gen_random_uuid())',
    'SELECT lookup_backlog()',
    'CREATE TABLE own (id uuid)',
    'CREATE FUNCTION own() RETURNS integer LANGUAGE sql AS $$ SELECT 1 $$',
    'CREATE ROLE another',
    'SET ROLE postgres',
    "COPY (SELECT 1) TO PROGRAM 'true'",
    "SELECT pg_read_file('/etc/passwd')",
  ])('does not permit %s', async (statement) => {
    await expect(gateway.session.query(statement)).rejects.toThrow(DENIED);
  });

  it('can look up an API key, but not list keys', async () => {
    const access = AccessService.create(owner.database);
    const team = await access.createTeam('A team');
    const { keyId } = await access.createKey(team.id, 'billing', ['records:read']);
    await access.createKey(team.id, 'another', ['records:read']);
    const find = 'SELECT key_id FROM find_api_key($1)';
    expect(await gateway.session.query(find, [keyId])).toEqual([{ key_id: keyId }]);
    expect(await gateway.session.query(find, ['%'])).toEqual([]);
  });
});

describe("the worker's role", () => {
  it('cannot create a table in place of a partition', async () => {
    await worker.query('CREATE TEMPORARY TABLE idempotency_outcomes_20320101 (day date)');
    await worker.query("SELECT ensure_ledger_partition('2032-01-01')");
    const partitions = await owner.session.query<{ owner: string }>(
      `SELECT relowner::regrole::text AS owner FROM pg_class
        WHERE relname = 'idempotency_outcomes_20320101' AND relnamespace = 'public'::regnamespace`,
    );
    expect(partitions).toEqual([{ owner: 'postgres' }]);
  });

  it('permits everything that a retention pass does', async () => {
    await addLedgerDay(owner.session, 20, 10);
    const retention = startRetention(roleUrl(owner.url, inject('workerRole')));
    expect(await retention.run()).toMatchObject({ requests: 10, partitions: 1, postponed: 0 });
    expect((await retention.metric('prism_ledger_partitions_ahead')).get('')).toBe(3);
    await retention.close();
    expect(await ledgerDays(owner.session)).not.toContain('20');
  });

  it('permits to build lookups', async () => {
    const teamId = randomUUID();
    const property = await defineProperty(owner.session, teamId);
    await setLookup(owner.session, teamId, property, 'unique');
    expect(await worker.query("SELECT state FROM build_lookups('0', 10)")).toEqual([{ state: 'ready' }]);
  });

  it('shows the age of transactions of other roles with pg_read_all_stats only', async () => {
    const retention = startRetention(roleUrl(owner.url, inject('workerRole')));
    const oldest = async () => {
      await retention.run();
      return (await retention.metric('prism_database_oldest_transaction_seconds')).get('');
    };
    await owner.session.query('BEGIN ISOLATION LEVEL REPEATABLE READ');
    await owner.session.query('SELECT FROM teams');
    expect(await oldest()).toBe(0);
    await owner.database.query(`GRANT pg_read_all_stats TO ${inject('workerRole')}`);
    expect(await oldest()).toBeGreaterThan(0);
    await owner.database.query(`REVOKE pg_read_all_stats FROM ${inject('workerRole')}`);
    await owner.session.query('ROLLBACK');
    await retention.close();
  });

  it.each([
    'DELETE FROM records',
    'DELETE FROM idempotency_requests',
    'DELETE FROM idempotency_outcomes',
    'SELECT FROM import_jobs',
    'SELECT FROM import_chunks',
    'DELETE FROM import_jobs',
    'SELECT FROM teams',
    'SELECT FROM clients',
    'SELECT FROM api_keys',
    "SELECT FROM find_api_key('x')",
    'SELECT FROM property_definitions',
    'CREATE TABLE own (id uuid)',
  ])('does not permit %s', async (statement) => {
    await expect(worker.query(statement)).rejects.toThrow(DENIED);
  });
});

describe('a role gets no grants', () => {
  it('if it does not exist', async () => {
    await expect(applyGrants(owner.database, 'gateway', 'nobody"s')).rejects.toThrow(
      'there is no role "nobody"s": create it with CREATE ROLE "nobody""s" LOGIN',
    );
  });

  it('if it is a superuser', async () => {
    await expect(applyGrants(owner.database, 'worker', 'postgres')).rejects.toThrow(
      'the role "postgres" owns the tables or is a superuser: give the worker a role of its own',
    );
  });
});
