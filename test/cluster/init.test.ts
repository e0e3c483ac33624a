/** @module-tag citus */
import { spawn } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { afterEach, describe, expect, inject, it } from 'vitest';
import { readSettings } from '#libs/config';
import { applyGrants, migrate, openDatabase, readSchemaFiles } from '#libs/database';
import { runAdmin } from '../../apps/admin/admin.program';
import { guard } from '../support/child.guard';
import { createEmptyCluster, dropCluster } from '../support/citus.cluster';
import { ClusterSessions } from '../support/cluster.sessions';
import { codesOf, Engine, newKey, renames, retryOf } from '../support/engine';
import { builtFile } from '../support/repository.files';
import { databaseUrl, onServer, roleUrl } from '../support/server.database';
import { Session } from '../support/session';

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

function nodes(): string[] {
  return [inject('postgresUrl'), ...inject('workerUrls')];
}

/** A migrated database that is not distributed, on the coordinator of a cluster. */
async function createMigrated(): Promise<string> {
  const name = `prism_test_${randomBytes(6).toString('hex')}`;
  cleanups.push(() => dropCluster(nodes(), name));
  const url = await createEmptyCluster(nodes(), name);
  await migrate(url);
  return url;
}

async function init(url: string): Promise<{ code: number; stdout: string; stderr: string }> {
  const written = { stdout: '', stderr: '' };
  const code = await runAdmin(['cluster', 'init'], {
    env: { DATABASE_URL: url },
    stdout: { write: (text: string) => (written.stdout += text) },
    stderr: { write: (text: string) => (written.stderr += text) },
  });
  return { code, ...written };
}

async function openSessions(url: string): Promise<ClusterSessions> {
  const sessions = await ClusterSessions.open(url);
  cleanups.push(() => sessions.close());
  return sessions;
}

/** What a query returns on each worker. */
async function onWorkers(sessions: ClusterSessions, text: string): Promise<unknown[]> {
  return Promise.all(
    sessions.workers.map(async ({ session }) => Object.values((await session.query(text))[0] ?? {})[0]),
  );
}

/** Tables that are neither distributed nor on every node. Leaves out shards, which have a number of six digits at the end. */
async function undistributed(session: Session): Promise<unknown[]> {
  return session.query(
    `SELECT c.relname FROM pg_class AS c
      WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND c.relname !~ '_\\d{6}$'
        AND NOT EXISTS (SELECT FROM pg_dist_partition AS p
                         WHERE p.logicalrelid = c.oid AND (p.partmethod = 'h' OR p.repmodel = 't'))`,
  );
}

async function distributedTables(session: Session): Promise<string[]> {
  const rows = await session.query<{ name: string }>(
    "SELECT logicalrelid::text AS name FROM pg_dist_partition WHERE partmethod = 'h' ORDER BY name",
  );
  return rows.map(({ name }) => name);
}

/** The statements on the coordinator that wait for a lock. */
async function waitingStatements(session: Session): Promise<string> {
  const rows = await session.query<{ query: string }>(
    "SELECT query FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'",
  );
  return rows.map(({ query }) => query).join('\n');
}

describe('cluster init', () => {
  it('says what is missing in a database without Citus', async () => {
    const name = `prism_test_${randomBytes(6).toString('hex')}`;
    const url = databaseUrl(inject('postgresUrl'), name);
    await onServer(inject('postgresUrl'), `CREATE DATABASE ${name} TEMPLATE template0`);
    cleanups.push(() => dropCluster([inject('postgresUrl')], name));
    await migrate(url);
    const { code, stderr } = await init(url);
    expect(code).toBe(1);
    expect(stderr).toContain('run CREATE EXTENSION citus in it on every node');
  });

  it('distributes every table with data of a team, and changes nothing when it is repeated', async () => {
    const url = await createMigrated();
    const first = await init(url);
    expect(first.stderr).toBe('');
    expect(first.stdout).toContain('distributed records');
    expect((await init(url)).stdout).toContain('every table is distributed');
    const { coordinator } = await openSessions(url);
    expect(await undistributed(coordinator)).toEqual([]);
  });

  it.each([
    [
      'before a table',
      'LOCK idempotency_requests IN SHARE MODE',
      ['record_lookups', 'records'],
      'citus_add_local_table_to_metadata',
    ],
    // A transaction that has written delays the copy.
    ['during the copy of a table', 'DELETE FROM idempotency_requests', [], 'CREATE_REPLICATION_SLOT'],
  ])('completes what a killed process has left, %s', { timeout: 120_000 }, async (_, block, completed, statement) => {
    const url = await createMigrated();
    const engine = await Engine.connect(url);
    cleanups.push(() => engine.close());
    const teamIds = Array.from({ length: 10 }, () => randomUUID());
    const key = newKey();
    const records = await Promise.all(
      teamIds.map(async (teamId) => {
        const ids = await engine.insert(teamId, 3);
        expect(codesOf(await engine.apply(renames(teamId, ids), key))).toEqual(['ok', 'ok', 'ok']);
        return { teamId, ids };
      }),
    );
    const blocker = await Session.open(url);
    cleanups.push(() => blocker.close());
    await blocker.query('BEGIN');
    await blocker.query(block);

    const child = spawn(process.execPath, [builtFile('apps/admin/main.js'), 'cluster', 'init'], {
      env: { PATH: process.env.PATH, DATABASE_URL: url },
      stdio: 'ignore',
    });
    guard(child);
    await expect.poll(() => waitingStatements(engine.session), { timeout: 60_000 }).toContain(statement);
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
    expect(await distributedTables(engine.session)).toEqual(completed);
    await blocker.query('ROLLBACK');

    const { code, stderr } = await init(url);
    expect(stderr).toBe('');
    expect(code).toBe(0);
    expect(await undistributed(engine.session)).toEqual([]);
    for (const { teamId, ids } of records) {
      const stored = await engine.session.query('SELECT id FROM records WHERE team_id = $1', [teamId]);
      expect(stored).toHaveLength(ids.length);
      expect((await engine.apply(renames(teamId, ids), retryOf(key))).state).toBe('replayed');
      expect(await engine.versions(teamId, ids)).toEqual([2, 2, 2]);
    }
  });

  it('keeps the data of a single server, and the writes that run meanwhile', { timeout: 120_000 }, async () => {
    const url = await createMigrated();
    const engine = await Engine.connect(url);
    cleanups.push(() => engine.close());
    const teams = await Promise.all(
      Array.from({ length: 4 }, async () => {
        const teamId = randomUUID();
        return {
          teamId,
          ids: await engine.insert(teamId, 5),
          applied: Array.from({ length: 5 }, () => 0),
          failed: new Set<string>(),
        };
      }),
    );
    const work = { isDone: false };
    const writers = teams.map(async (team) => {
      while (!work.isDone) {
        const result = await engine.apply(renames(team.teamId, team.ids));
        const codes = codesOf(result);
        codes.forEach((code, index) => {
          if (code === 'ok') team.applied[index] = (team.applied[index] ?? 0) + 1;
          // Retryable: the end of a copy blocks the writes of its table, for longer than an item waits.
          else if (code !== 'locked') team.failed.add(code);
        });
      }
    });
    const { code, stderr } = await init(url);
    work.isDone = true;
    await Promise.all(writers);
    expect(stderr).toBe('');
    expect(code).toBe(0);
    for (const { teamId, ids, applied, failed } of teams) {
      expect([...failed]).toEqual([]);
      expect(await engine.versions(teamId, ids)).toEqual(applied.map((count) => 1 + count));
    }
  });

  it('gives roles, grants and settings to every node', async () => {
    const url = await createMigrated();
    const role = `prism_role_${randomBytes(4).toString('hex')}`;
    await onServer(url, `CREATE ROLE ${role} LOGIN`);
    cleanups.push(() => onServer(url, `DROP ROLE ${role}`));
    await init(url);
    const database = openDatabase(readSettings({ DATABASE_URL: url }));
    await applyGrants(database, 'gateway', role);
    cleanups.push(async () => {
      await database.query(`DROP OWNED BY ${role}`);
      await database.close();
    });
    const sessions = await openSessions(url);
    const privileges = `SELECT has_table_privilege('${role}', 'records', 'UPDATE') AND NOT has_table_privilege('${role}', 'records', 'DELETE')
                           AND has_function_privilege('${role}', 'find_api_key(text)', 'EXECUTE')
                           AND NOT has_function_privilege('${role}', 'build_lookups(interval, integer)', 'EXECUTE')
                           AND has_sequence_privilege('${role}', 'idempotency_request_ids', 'USAGE')`;
    expect(await onWorkers(sessions, privileges)).toEqual([true, true]);
    expect(await onWorkers(sessions, 'SHOW citus.propagate_set_commands')).toEqual(['local', 'local']);
    // The role can apply a keyed batch.
    const engine = await Engine.connect(url);
    const gateway = await Engine.connect(roleUrl(url, role));
    cleanups.push(() => engine.close());
    cleanups.push(() => gateway.close());
    const teamId = randomUUID();
    const ids = await engine.insert(teamId, 3);
    expect(codesOf(await gateway.apply(renames(teamId, ids), newKey()))).toEqual(['ok', 'ok', 'ok']);
  });

  it('applies later migrations and functions on every node', async () => {
    const url = await createMigrated();
    await init(url);
    const schema = readSchemaFiles();
    const later = {
      ...schema,
      version: '999.0.0',
      migrations: [
        ...schema.migrations,
        {
          name: '9999_later',
          checksum: 'later',
          sql: `ALTER TABLE records ADD COLUMN later text;
                CREATE INDEX records_later ON records (team_id, later) WHERE later IS NOT NULL;`,
        },
      ],
      functions: [
        ...schema.functions.map((file) =>
          file.name === 'is_retryable'
            ? { ...file, checksum: 'changed', sql: file.sql.replace('AS $$', () => 'AS $$ /* changed */') }
            : file,
        ),
        {
          name: 'added_later',
          checksum: 'added',
          sql: 'CREATE OR REPLACE FUNCTION added_later() RETURNS integer LANGUAGE sql AS $$ SELECT 1 $$',
        },
      ],
    };
    expect(await migrate(url, later)).toEqual(['9999_later', 'functions/is_retryable', 'functions/added_later']);
    const sessions = await openSessions(url);
    expect(await onWorkers(sessions, 'SELECT added_later()')).toEqual([1, 1]);
    const text = "SELECT prosrc LIKE '%/* changed */%' FROM pg_proc WHERE proname = 'is_retryable'";
    expect(await onWorkers(sessions, text)).toEqual([true, true]);
    const columns =
      "SELECT count(*)::integer FROM pg_attribute WHERE attname = 'later' AND attrelid = 'records'::regclass";
    expect(await onWorkers(sessions, columns)).toEqual([1, 1]);
    expect(await migrate(url, later)).toEqual([]);

    // The views through which batches use a shard depend on the columns of its table.
    const engine = await Engine.connect(url);
    cleanups.push(() => engine.close());
    const teamId = randomUUID();
    const ids = await engine.insert(teamId, 2);
    expect(codesOf(await engine.apply(renames(teamId, ids), newKey()))).toEqual(['ok', 'ok']);
    const dropped = { name: '9999_later_2', checksum: 'dropped', sql: 'ALTER TABLE records DROP COLUMN later;' };
    const evenLater = { ...later, version: '999.0.1', migrations: [...later.migrations, dropped] };
    expect(await migrate(url, evenLater)).toEqual(['9999_later_2']);
    expect(codesOf(await engine.apply(renames(teamId, ids), newKey()))).toEqual(['ok', 'ok']);
  });
});
