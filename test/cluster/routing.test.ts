/** @module-tag citus */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest';
import { type ClusterNode, ClusterSessions } from '../support/cluster.sessions';
import { batch, codesOf, Engine, newKey, rename, renames, retryOf } from '../support/engine';
import { startGateway, type TestGateway } from '../support/gateway';
import { roleUrl } from '../support/server.database';
import { Session } from '../support/session';

const timeoutMs = 10_000;

let owner: Engine;
/** Connects to the coordinator with the role of gateways, under row-level security. */
let gateway: Engine;
let sessions: ClusterSessions;
let teamId: string;
let ids: string[];

beforeAll(async () => {
  owner = await Engine.start();
  gateway = await Engine.connect(roleUrl(owner.url, inject('gatewayRole')), { DATABASE_POOL_SIZE: '2' });
  sessions = await ClusterSessions.open(owner.url);
});
afterAll(async () => {
  await sessions.close();
  await gateway.close();
  await owner.close();
});
beforeEach(async () => {
  teamId = randomUUID();
  ids = await owner.insert(teamId, 3);
});

/** The database of the tests on a node. */
function nodeUrl({ port }: ClusterNode): string {
  const url = new URL(owner.url);
  url.port = String(port);
  return url.href;
}

/** The statement that each connection of the gateway's role ran last, on a node. */
async function statementsOn(session: Session): Promise<{ query: string; is_passed_on: boolean }[]> {
  return session.query(
    `SELECT query, application_name LIKE 'citus_internal%' AS is_passed_on FROM pg_stat_activity
      WHERE datname = current_database() AND usename = $1`,
    [inject('gatewayRole')],
  );
}

/** The statements that a node has executed for another node: none, if all were sent to the right one. */
async function passedOn(): Promise<string[]> {
  const nodes = await Promise.all(
    [sessions.coordinator, ...sessions.workers.map(({ session }) => session)].map(statementsOn),
  );
  return nodes.flat().flatMap(({ query, is_passed_on }) => (is_passed_on ? [query] : []));
}

describe('a batch on a cluster', () => {
  it.each([
    ['with a key', newKey()],
    ['without a key', undefined],
  ])('is one statement on the node of its team, %s', async (_, key) => {
    const engine = await Engine.connect(roleUrl(owner.url, inject('gatewayRole')), { DATABASE_POOL_SIZE: '1' });
    try {
      expect(codesOf(await engine.apply(renames(teamId, ids), key))).toEqual(['ok', 'ok', 'ok']);
      const { session } = await sessions.nodeOf(teamId);
      expect((await statementsOn(session)).map(({ query }) => query)).toEqual([
        expect.stringMatching(/^CALL apply_batch/),
      ]);
      const others = [sessions.coordinator, (await sessions.otherNodeThan(teamId)).session];
      const elsewhere = (await Promise.all(others.map(statementsOn))).flat();
      expect(elsewhere.filter(({ query }) => query.startsWith('CALL'))).toEqual([]);
      expect(await passedOn()).toEqual([]);
    } finally {
      await engine.close();
    }
    expect(await owner.versions(teamId, ids)).toEqual([2, 2, 2]);
  });

  it('is durable on the node of its team when it is replayed', async () => {
    const key = newKey();
    await gateway.apply(renames(teamId, ids), key);
    const node = await sessions.nodeOf(teamId);
    const position = async (): Promise<string> =>
      (await node.session.query<{ lsn: string }>('SELECT pg_current_wal_flush_lsn()::text AS lsn'))[0]?.lsn ?? '';
    const before = await position();
    expect((await gateway.apply(renames(teamId, ids), retryOf(key))).state).toBe('replayed');
    const [row] = await node.session.query<{ ahead: boolean }>(
      'SELECT pg_current_wal_flush_lsn() > $1::pg_lsn AS ahead',
      [before],
    );
    expect(row?.ahead).toBe(true);
  });

  it('runs correctly through another node while the cached node of its team is out of date', async () => {
    const key = newKey();
    const [first = '', second = ''] = ids;
    expect(codesOf(await gateway.apply(batch(teamId, [rename(first)])))).toEqual(['ok']);
    await sessions.move(teamId);
    const plan = batch(teamId, [rename(first), rename(second), rename(randomUUID())]);
    const applied = await gateway.apply(plan, key);
    expect(codesOf(applied)).toEqual(['ok', 'ok', 'not_found']);
    expect((await gateway.apply(plan, retryOf(key))).outcomes.map(({ entry }) => entry)).toEqual(
      applied.outcomes.map(({ entry }) => entry),
    );
    expect(await owner.versions(teamId, [first, second])).toEqual([3, 2]);
  });

  it('takes the locks on values on the node of the team, wherever it runs', async () => {
    const domain = `${randomUUID()}.example`;
    const lookup = { id: '149fcf68-f04b-5b32-afe3-a0a007aeb808', slug: 'primary_domain', kind: 'text', indexed: true };
    const upsert = () =>
      batch(teamId, [
        {
          op: 'update',
          id: randomUUID(),
          match: { ...lookup, value: domain },
          set: { primary_domain: domain },
          lookups: [lookup],
          create: {
            op: 'create',
            id: randomUUID(),
            properties: { primary_domain: domain },
            list: {},
            extended: {},
            lookups: [lookup],
          },
        } as never,
      ]);
    // One engine has the old node of the team, the other one the new node.
    const late = await Engine.connect(owner.url);
    try {
      await late.apply(renames(teamId, ids));
      await sessions.move(teamId);
      const results = await Promise.all(
        [late, owner, late, owner, late, owner].map((engine) => engine.apply(upsert())),
      );
      expect(results.flatMap(codesOf)).toEqual(results.map(() => 'ok'));
    } finally {
      await late.close();
    }
    const rows = await sessions.coordinator.query(
      "SELECT id FROM records WHERE team_id = $1 AND properties ->> 'primary_domain' = $2",
      [teamId, domain],
    );
    expect(rows).toHaveLength(1);
  });
});

describe('a batch on the node of its team', () => {
  /** Statements that Citus has planned and executed on a node for the databases of this test. */
  async function plannedByCitus({ session }: ClusterNode): Promise<number> {
    const [row] = await session.query<{ count: number }>(
      `SELECT sum(query_execution_single_shard + query_execution_multi_shard)::integer AS count
         FROM citus_stat_counters WHERE name = current_database()`,
    );
    return row?.count ?? 0;
  }

  it('is executed by Postgres, without Citus', async () => {
    const node = await sessions.nodeOf(teamId);
    await gateway.apply(renames(teamId, ids), newKey());
    const before = await plannedByCitus(node);
    const all = batch(teamId, [
      ...ids.map((id) => rename(id)),
      { op: 'delete', id: ids[0] ?? '' },
      rename(randomUUID()),
    ]);
    const key = newKey();
    expect(codesOf(await gateway.apply(all, key))).toEqual(['ok', 'ok', 'ok', 'ok', 'not_found']);
    expect((await gateway.apply(all, retryOf(key))).state).toBe('replayed');
    expect(codesOf(await gateway.apply(renames(teamId, ids.slice(1))))).toEqual(['ok', 'ok']);
    expect(await plannedByCitus(node)).toBe(before);
  });

  it('leaves no setting behind that changes what the connection reads', async () => {
    const engine = await Engine.connect(roleUrl(owner.url, inject('gatewayRole')), { DATABASE_POOL_SIZE: '1' });
    try {
      await engine.apply(renames(teamId, ids), newKey());
      const { rows } = await engine.database.query<{ path: string }>(
        "SELECT current_setting('search_path') AS path",
        [],
        {
          teamId,
        },
      );
      expect(rows[0]?.path).toBe('"$user", public');
    } finally {
      await engine.close();
    }
  });

  it('is executed by Citus if the session may be shared', async () => {
    const node = await sessions.nodeOf(teamId);
    const pooled = await Engine.connect(nodeUrl(node), { DATABASE_POOLER: 'session' });
    try {
      const before = await plannedByCitus(node);
      expect(codesOf(await pooled.apply(renames(teamId, ids), newKey()))).toEqual(['ok', 'ok', 'ok']);
      expect(await plannedByCitus(node)).toBeGreaterThan(before);
    } finally {
      await pooled.close();
    }
  });

  it.each([
    ['with a key, the next attempt applies what is missing', newKey(), 'unavailable'],
    ['without a key, the outcomes are unknown', undefined, 'outcome_unknown'],
  ])('does not report what a move may have lost: %s', async (_, key, code) => {
    const [first = '', second = ''] = ids;
    const engine = await Engine.connect(roleUrl(owner.url, inject('gatewayRole')), { LOCK_TIMEOUT_MS: '10000' });
    try {
      const { session } = await sessions.nodeOf(teamId);
      const [shard] = await session.query<{ name: string }>(
        "SELECT 'records_' || get_shard_id_for_distribution_column('records', $1::uuid) AS name",
        [teamId],
      );
      await session.query('BEGIN');
      await session.query(`SELECT FROM ${shard?.name ?? ''} WHERE team_id = $1 AND id = $2 FOR UPDATE`, [
        teamId,
        second,
      ]);
      const plan = renames(teamId, [first, second]);
      const applied = engine.apply(plan, key);
      await waitForLock(session);
      await sessions.move(teamId, 'block_writes');
      await session.query('COMMIT');
      expect(codesOf(await applied)).toEqual([code, code]);
      if (key === undefined) return;
      expect(codesOf(await engine.apply(plan, retryOf(key)))).toEqual(['ok', 'ok']);
      expect(await owner.versions(teamId, [first, second])).toEqual([2, 2]);
    } finally {
      await engine.close();
    }
  });
});

/** Resolves when a call of a gateway waits for a lock on the node of the session. */
async function waitForLock(session: Session): Promise<void> {
  for (;;) {
    await session.query('SELECT pg_stat_clear_snapshot()');
    const rows = await session.query(
      "SELECT FROM pg_stat_activity WHERE usename = $1 AND query LIKE 'CALL%' AND wait_event_type = 'Lock'",
      [inject('gatewayRole')],
    );
    if (rows.length > 0) return;
    await sleep(5);
  }
}

describe('row-level security on a cluster', () => {
  it.each(['the node of the team', 'the coordinator'])(
    'shows a team its own rows alone, through %s',
    async (through) => {
      const foreignTeam = await sessions.teamOn(await sessions.nodeOf(teamId));
      const [foreign = ''] = await owner.insert(foreignTeam, 1);
      // Through a pooler the nodes are unknown, so that every statement goes through the coordinator.
      const settings = through === 'the coordinator' ? { DATABASE_POOLER: 'session' } : {};
      const engine = await Engine.connect(roleUrl(owner.url, inject('gatewayRole')), settings);
      try {
        const [own = ''] = ids;
        expect(codesOf(await engine.apply(batch(teamId, [rename(own), rename(foreign)])))).toEqual(['ok', 'not_found']);
        expect(codesOf(await engine.apply(batch(teamId, [rename(foreign)]), newKey()))).toEqual(['not_found']);
        expect(await engine.records.find(teamId, 'organization', own, { timeoutMs })).toBeDefined();
        expect(await engine.records.find(teamId, 'organization', foreign, { timeoutMs })).toBeUndefined();
        const count = (id: string): string =>
          `SELECT count(*)::integer AS count FROM (SELECT set_config('prism.team', '${teamId}', true) AS team OFFSET 0) AS context
           JOIN records AS r ON context.team IS NOT NULL WHERE r.team_id = '${foreignTeam}' AND r.id = '${id}'`;
        const { rows } = await engine.database.query<{ count: number }>(count(foreign), [], { teamId: foreignTeam });
        expect(rows[0]?.count).toBe(0);
      } finally {
        await engine.close();
      }
    },
  );
});

describe('row-level security on a shard', () => {
  it('shows a team its own rows alone, through the views of its tables', async () => {
    await gateway.apply(renames(teamId, ids), newKey());
    const node = await sessions.nodeOf(teamId);
    const [view] = await node.session.query<{ name: string }>(
      `SELECT n.nspname || '.records' AS name FROM pg_namespace AS n
        WHERE n.nspname LIKE 'prism\\_shard\\_' ||
              to_regclass('records_' || get_shard_id_for_distribution_column('records', $1::uuid))::oid || '\\_%'`,
      [teamId],
    );
    const session = await Session.open(roleUrl(nodeUrl(node), inject('gatewayRole')));
    try {
      const seenBy = async (team: string): Promise<number> => {
        await session.query("SELECT set_config('prism.team', $1, false)", [team]);
        return (await session.query(`SELECT FROM ${view?.name ?? ''} WHERE team_id = $1`, [teamId])).length;
      };
      expect(await seenBy(randomUUID())).toBe(0);
      expect(await seenBy(teamId)).toBe(3);
      await expect(session.query(`DELETE FROM ${view?.name ?? ''}`)).rejects.toThrow('permission denied for table');
    } finally {
      await session.close();
    }
  });
});

describe('a request on a cluster', () => {
  it('is executed on the node of its team alone', async () => {
    const http = await startGateway();
    try {
      const nodes = await ClusterSessions.open(http.databaseUrl);
      try {
        for (const node of nodes.workers) await callEverything(http, await nodes.teamOn(node));
        const statements = await Promise.all(
          [nodes.coordinator, ...nodes.workers.map(({ session }) => session)].map(statementsOn),
        );
        expect(statements.flat().filter(({ is_passed_on }) => is_passed_on)).toEqual([]);
      } finally {
        await nodes.close();
      }
    } finally {
      await http.close();
    }
  });
});

/** Each kind of statement once: writes with and without a key, reads, pages, counts, receipts, imports. */
async function callEverything(http: TestGateway, team: string): Promise<void> {
  await http.access.createTeam('A team', team);
  const caller = await http.newCaller({ teamId: team });
  const id = await caller.create({ default: { name: 'Acme', primary_domain: `${team}.example` } });
  const calls: [string, string, { body?: object; headers?: Record<string, string> }?][] = [
    ['GET', `organization/${id}`],
    ['PATCH', `organization/${id}`, { body: { default: { name: 'Acme 2' } } }],
    ['PATCH', `organization/${id}`, { body: { default: { name: 'Acme 3' } }, headers: { 'idempotency-key': 'patch' } }],
    [
      'POST',
      'organization/batch/update',
      { body: { items: [{ id, default: { name: 'Acme 4' } }] }, headers: { 'idempotency-key': 'key-1' } },
    ],
    [
      'POST',
      'organization/batch/update',
      { body: { items: [{ id, default: { name: 'Acme 4' } }] }, headers: { 'idempotency-key': 'key-1' } },
    ],
    ['GET', 'receipts/key-1'],
    ['GET', 'organization?select=name'],
    ['GET', 'organization?select=name&sort=name&include_total=true'],
    [
      'POST',
      'organization/query',
      { body: { query: { select: ['name'], filter: [{ primary_domain: { '=': `${team}.example` } }] } } },
    ],
    ['GET', 'organization/count'],
    ['GET', `organization/by/primary_domain/${team}.example`],
    ['PUT', `organization/by/primary_domain/${team}.example`, { body: { default: { name: 'Acme 5' } } }],
    [
      'POST',
      'organization/import',
      { body: { objects: [{ default: { name: 'New' } }] }, headers: { 'idempotency-key': 'import' } },
    ],
    ['DELETE', `organization/${id}`],
  ];
  for (const [method, path, options] of calls) {
    const { status, text } = await caller.call(method, caller.path(path), options);
    expect(status, `${method} ${path}: ${text}`).toBeLessThan(300);
  }
}
