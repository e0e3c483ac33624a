import { randomBytes, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import type { PlanItem } from '#libs/records';
import { batch, codesOf, Engine, newKey, rename, retryOf } from '../support/engine';
import { onServer } from '../support/server.database';

const role = `prism_test_${randomBytes(6).toString('hex')}`;
let owner: Engine;
let unprivileged: Engine;

beforeAll(async () => {
  owner = await Engine.start();
  await onServer(inject('postgresUrl'), `CREATE ROLE ${role} LOGIN`);
  await owner.session.query(`
    REVOKE CREATE ON SCHEMA public FROM PUBLIC;
    GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA public TO ${role}`);
  const url = new URL(owner.url);
  url.username = role;
  unprivileged = await Engine.over(url.href);
});
afterAll(async () => {
  await unprivileged.close();
  await owner.close();
  await onServer(inject('postgresUrl'), `DROP ROLE IF EXISTS ${role}`);
});

describe('a role that may only read and write the tables', () => {
  it('can do all that a batch does, the first one of a day included', async () => {
    expect(
      await owner.session.query("SELECT FROM pg_inherits WHERE inhparent = 'idempotency_items'::regclass"),
    ).toEqual([]);
    const teamId = randomUUID();
    const [first = '', second = ''] = await owner.insert(teamId, 2);
    const items: PlanItem[] = [
      { op: 'create', id: randomUUID(), properties: { name: 'New' }, list: {}, extended: {} },
      rename(first),
      { op: 'read', id: first },
      { op: 'delete', id: second },
      rename(randomUUID()),
    ];
    const key = newKey();
    const codes = ['ok', 'ok', 'ok', 'ok', 'not_found'];
    expect(codesOf(await unprivileged.apply(batch(teamId, items), key))).toEqual(codes);
    expect((await unprivileged.apply(batch(teamId, items), retryOf(key))).state).toBe('replayed');
    expect(codesOf(await unprivileged.apply(batch(teamId, [rename(first)], { onError: 'rollback' })))).toEqual(['ok']);
    expect(codesOf(await unprivileged.apply(batch(teamId, [rename(first)], { dryRun: true })))).toEqual(['ok']);
    expect((await unprivileged.records.find(teamId, 'organization', first, { timeoutMs: 1_000 }))?.etag).toBe('"3"');
  });

  it('can neither make tables of its own nor put one in the way of a partition', async () => {
    await expect(unprivileged.session.query('CREATE TABLE own (id uuid)')).rejects.toThrow(/permission denied/);
    await unprivileged.session.query('CREATE TEMPORARY TABLE idempotency_items_20320101 (day date)');
    await unprivileged.session.query("SELECT ensure_ledger_partition('2032-01-01')");
    const partitions = await owner.session.query<{ owner: string }>(
      `SELECT relowner::regrole::text AS owner FROM pg_class
        WHERE relname = 'idempotency_items_20320101' AND relnamespace = 'public'::regnamespace`,
    );
    expect(partitions).toHaveLength(1);
    expect(partitions[0]?.owner).not.toContain(role);
  });
});
