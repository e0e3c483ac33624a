import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { runAdmin } from '../../apps/admin/admin.program';
import { createDatabase, type TestDatabase } from '../support/database';

const PROGRAM = join(__dirname, '../../dist/apps/admin/main.js');
const TEAM = '0197b1a2-7c3d-7e4f-8a5b-6c7d8e9fa0b1';
const API_KEY = /^prism_[0-9A-Za-z]{12}_[0-9A-Za-z]{49}$/;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

interface Outcome {
  code: number;
  stdout: string;
  stderr: string;
}

interface KeyDocument {
  api_key: string;
  key_id: string;
  client: string;
  scopes: string[];
  status: string;
  expires_at: string | null;
  revoked_at: string | null;
}

let database: TestDatabase;
let sql: Client;

beforeAll(async () => {
  expect(existsSync(PROGRAM), 'the program is built: npm run build').toBe(true);
  database = await createDatabase();
  sql = new Client({ connectionString: database.url });
  await sql.connect();
  await admin('team', 'create', '--id', TEAM, '--name', 'Acme');
});
afterAll(async () => {
  await sql.end();
  await database.drop();
});

/** Runs the built program with only the given environment. */
function run(env: NodeJS.ProcessEnv, args: string[]): Promise<Outcome> {
  return new Promise((resolve) => {
    execFile(process.execPath, [PROGRAM, ...args], { env }, (error, stdout, stderr) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, stdout, stderr });
    });
  });
}

/** Runs a command on the database of the tests. */
function admin(...args: string[]): Promise<Outcome> {
  return runHere({ DATABASE_URL: database.url }, args);
}

/** Runs a command in this process, like `main.ts`, but faster than in a new process. */
async function runHere(env: NodeJS.ProcessEnv, args: string[]): Promise<Outcome> {
  const outcome = { code: 0, stdout: '', stderr: '' };
  const stdout = { write: (text: string) => (outcome.stdout += text) };
  const stderr = { write: (text: string) => (outcome.stderr += text) };
  outcome.code = await runAdmin(args, { env, stdout, stderr });
  return outcome;
}

/** The JSON document that a successful command prints. */
async function document<T>(...args: string[]): Promise<T> {
  const outcome = await admin(...args, '--json');
  expect(outcome).toMatchObject({ code: 0, stderr: '' });
  // The tests check its content.
  return JSON.parse(outcome.stdout) as T;
}

/** The error of a failed command: one line on standard error, and no other output. */
async function failure(code: number, ...args: string[]): Promise<string> {
  return failureOf(await admin(...args), code);
}

function failureOf(outcome: Outcome, code: number): string {
  expect(outcome).toMatchObject({ code, stdout: '' });
  expect(outcome.stderr).toMatch(/^error: .+\n$/);
  return outcome.stderr;
}

function createKey(client: string, ...more: string[]): Promise<KeyDocument> {
  return document('key', 'create', '--team', TEAM, '--client', client, '--scope', 'records:read', ...more);
}

async function listKeys(client: string): Promise<KeyDocument[]> {
  const { keys } = await document<{ keys: KeyDocument[] }>('key', 'list', '--team', TEAM, '--client', client);
  return keys;
}

describe('teams', () => {
  it('creates teams with a given or a new id, and lists them', async () => {
    const id = '0197B1A2-7C3D-7E4F-8A5B-6C7D8E9FA0B2';
    const named = await document<{ id: string; name: string }>('team', 'create', '--id', id, '--name', 'Büro 7');
    const created = await document<{ id: string }>('team', 'create', '--name', 'Other');

    expect(named).toMatchObject({ id: id.toLowerCase(), name: 'Büro 7' });
    expect(created.id).toMatch(UUID);
    const { teams } = await document<{ teams: { id: string }[] }>('team', 'list');
    expect(teams.map((team) => team.id)).toEqual([TEAM, named.id, created.id]);
    expect((await admin('team', 'list')).stdout).toContain(`${named.id}  Büro 7`);
  });

  it('rejects a second team with the same id', async () => {
    expect(await failure(1, 'team', 'create', '--id', TEAM, '--name', 'Again')).toContain(
      `team ${TEAM} exists already (named 'Acme')`,
    );
  });

  it('rejects a team id that is not a UUID, and an unprintable name', async () => {
    expect(await failure(2, 'team', 'create', '--id', 'acme', '--name', 'x')).toMatch(/--id.*must be a UUID/);
    expect(await failure(2, 'team', 'create', '--name', 'a\nb')).toMatch(/--name.*1 to 200 characters/);
  });
});

describe('clients', () => {
  it('creates one client per name, and lists clients', async () => {
    const created = await document<{ id: string }>('client', 'create', '--team', TEAM, '--name', 'crm');
    const { clients } = await document<{ clients: unknown[] }>('client', 'list', '--team', TEAM);

    expect(clients).toContainEqual(expect.objectContaining({ id: created.id, name: 'crm' }));
    expect(await failure(1, 'client', 'create', '--team', TEAM, '--name', 'crm')).toContain(
      "a client named 'crm' already",
    );
  });

  it('sets single rate limits of a client, removes all, and restores the default', async () => {
    await document('client', 'create', '--team', TEAM, '--name', 'limited');
    const who = ['--team', TEAM, '--client', 'limited'];
    const set = (...options: string[]): Promise<object> => document('client', 'limit', ...who, ...options);
    const listed = async (): Promise<string> =>
      (await admin('client', 'list', '--team', TEAM)).stdout.split('\n').find((line) => line.startsWith('limited')) ??
      '';

    const none = {
      ...{ items_per_second: null, items_burst: null, requests_per_second: null, requests_burst: null },
      ...{ bytes_per_second: null, bytes_burst: null },
    };
    expect(await listed()).toMatch(/default +default +default$/);
    const items = { items_per_second: 500, items_burst: 1000 };
    expect(await set('--items-per-second', '500', '--items-burst', '1000')).toMatchObject({ ...none, ...items });
    const both = { ...items, requests_per_second: 50, requests_burst: 50 };
    expect(await set('--requests-per-second', '50')).toMatchObject(both);
    expect(await listed()).toMatch(/500, burst 1000 +50, burst 50 +default$/);
    const { clients } = await document<{ clients: object[] }>('client', 'list', '--team', TEAM);
    expect(clients).toContainEqual(expect.objectContaining({ name: 'limited', ...both }));
    expect(await set('--items-per-second', '0')).toMatchObject({ ...both, items_per_second: 0, items_burst: 0 });
    const bytes = { bytes_per_second: 1_000_000_000, bytes_burst: 5_242_880 };
    const setBytes = await set('--bytes-per-second', '1000000000', '--bytes-burst', '5242880');
    expect(setBytes).toMatchObject({ ...both, items_per_second: 0, items_burst: 0, ...bytes });
    expect(await set('--unlimited')).toMatchObject({
      items_per_second: 0,
      requests_per_second: 0,
      bytes_per_second: 0,
    });
    expect(await listed()).toMatch(/unlimited +unlimited +unlimited$/);
    expect((await admin('client', 'limit', ...who, '--default')).stdout).toContain(
      'items default; requests default; bytes default. They take effect within 5 s',
    );
  });

  it('rejects rate limits that are not whole numbers or are incomplete', async () => {
    const limit = ['client', 'limit', '--team', TEAM, '--client', 'crm'];
    expect(await failure(2, ...limit)).toContain('set at least one of --items-per-second');
    expect(await failure(2, ...limit, '--items-per-second', '1.5')).toMatch(/--items-per-second.*whole number, 0 to/);
    expect(await failure(2, ...limit, '--requests-burst', '0')).toMatch(/--requests-burst.*whole number, 1 to/);
    expect(await failure(2, ...limit, '--items-burst', '10')).toContain('--items-burst requires --items-per-second');
    expect(await failure(2, ...limit, '--bytes-per-second', '1000000001')).toMatch(/whole number, 0 to 1000000000/);
    expect(await failure(2, ...limit, '--requests-per-second', '0', '--requests-burst', '10')).toContain('above 0');
    expect(await failure(2, ...limit, '--unlimited', '--items-per-second', '1')).toContain('cannot be used with');
    expect(await failure(1, 'client', 'limit', '--team', TEAM, '--client', 'nobody', '--unlimited')).toContain(
      "no client named 'nobody'",
    );
  });
});

describe('keys', () => {
  it('creates a key and its client, shows the key once, and stores only a hash', async () => {
    const key = await createKey('billing', '--expires', '90d');

    expect(key.api_key).toMatch(API_KEY);
    expect(key).toMatchObject({ client: 'billing', scopes: ['records:read'], status: 'live', revoked_at: null });
    const days = (Date.parse(key.expires_at ?? '') - Date.now()) / 86_400_000;
    expect(days).toBeGreaterThan(89.9);
    expect(days).toBeLessThanOrEqual(90);

    const secret = key.api_key.slice(-49);
    const { rows } = await sql.query<{ row: string }>('SELECT api_keys::text AS row FROM api_keys');
    expect(rows.some(({ row }) => row.includes(key.key_id))).toBe(true);
    expect(rows.some(({ row }) => row.includes(secret))).toBe(false);
    expect((await admin('key', 'list', '--team', TEAM)).stdout).not.toContain(secret);
    expect(await listKeys('billing')).toEqual([expect.not.objectContaining({ api_key: expect.anything() as string })]);
  });

  it('lists the keys of one client only', async () => {
    const [one, two] = [await createKey('shipping'), await createKey('shipping')];

    expect((await listKeys('shipping')).map((key) => key.key_id)).toEqual([one.key_id, two.key_id]);
    expect(await failure(1, 'key', 'list', '--team', TEAM, '--client', 'nobody')).toContain("no client named 'nobody'");
  });

  it('warns a person that the key is shown only once', async () => {
    const { stdout } = await admin('key', 'create', '--team', TEAM, '--client', 'people', '--scope', 'schema:write');
    const [facts, key, warning] = stdout.split('\n');

    expect(facts).toContain('client people');
    expect(key).toMatch(API_KEY);
    expect(warning).toContain('shown only once');
  });

  it('tells a person what a command did, and what is left to do', async () => {
    const text = async (...args: string[]): Promise<string> => {
      const { code, stdout } = await admin(...args);
      expect(code).toBe(0);
      return stdout;
    };
    const of = ['--team', TEAM] as const;
    expect(await text('client', 'create', ...of, '--name', 'reader')).toMatch(
      /^client reader \(\S+\) of team \S+ created\n$/,
    );
    const issued = await text('key', 'create', ...of, '--client', 'reader', '--scope', 'records:read');
    expect(issued).toContain('records:read; never expires');
    const { key_id: id = '' } = (await listKeys('reader'))[0] ?? {};
    expect(await text('key', 'list', ...of, '--client', 'reader')).toMatch(/live +\S+Z +- +-\s*$/);

    expect(await text('key', 'rotate', ...of, '--key', id)).toContain(
      `The old key works until you revoke it: key revoke --team ${TEAM} --key ${id}`,
    );
    expect(await text('key', 'rotate', ...of, '--key', id, '--revoke-old-after', '1h')).toMatch(
      /The old key works until \d{4}-\S+Z at the latest\.\n$/,
    );
    expect(await text('key', 'revoke', ...of, '--key', id)).toBe(
      `key ${id} of client reader is revoked; every gateway rejects it within 5 s\n`,
    );
  });

  it('lists a key that has expired as expired', async () => {
    const key = await createKey('past', '--expires', '1h');
    await sql.query(
      "UPDATE api_keys SET created_at = now() - interval '2 hours', expires_at = now() WHERE key_id = $1",
      [key.key_id],
    );
    expect((await listKeys('past')).map(({ status }) => status)).toEqual(['expired']);
  });

  it('rotates a key: both keys are live until the old one is revoked', async () => {
    const old = await createKey('rotating', '--expires', '2w');
    const fresh = await document<KeyDocument>('key', 'rotate', '--team', TEAM, '--key', old.key_id);

    expect(fresh.api_key).toMatch(API_KEY);
    expect(fresh).toMatchObject({ replaces: old.key_id, client: 'rotating', scopes: ['records:read'], status: 'live' });
    // It has the lifetime of the old key, from now.
    expect(Date.parse(fresh.expires_at ?? '')).toBeGreaterThan(Date.parse(old.expires_at ?? ''));
    expect((await listKeys('rotating')).map((key) => key.status)).toEqual(['live', 'live']);

    const revoked = await document<KeyDocument>('key', 'revoke', '--team', TEAM, '--key', old.key_id);
    expect(revoked.status).toBe('revoked');
    expect((await listKeys('rotating')).map((key) => key.status)).toEqual(['revoked', 'live']);
    // The second revocation does not change the time.
    const again = await document<KeyDocument>('key', 'revoke', '--team', TEAM, '--key', old.key_id);
    expect(again.revoked_at).toBe(revoked.revoked_at);
    expect(await failure(1, 'key', 'rotate', '--team', TEAM, '--key', old.key_id)).toContain('is revoked or expired');
  });

  it('rotates a key: the old key can expire earlier, never later', async () => {
    const eternal = await createKey('ending');
    const brief = await createKey('ending', '--expires', '1h');
    for (const key of [eternal, brief]) {
      await document('key', 'rotate', '--team', TEAM, '--key', key.key_id, '--revoke-old-after', '7d');
    }

    const ends = new Map((await listKeys('ending')).map((key) => [key.key_id, key.expires_at]));
    const days = (Date.parse(ends.get(eternal.key_id) ?? '') - Date.now()) / 86_400_000;
    expect(days).toBeGreaterThan(6.9);
    expect(days).toBeLessThanOrEqual(7);
    expect(ends.get(brief.key_id)).toBe(brief.expires_at);
  });

  it('does not rotate or revoke a key of another team', async () => {
    const { id } = await document<{ id: string }>('team', 'create', '--name', 'Other team');
    const key = await createKey('guarded');

    for (const verb of ['rotate', 'revoke']) {
      expect(await failure(1, 'key', verb, '--team', id, '--key', key.key_id)).toContain(`has no key ${key.key_id}`);
    }
    expect((await listKeys('guarded')).map((listed) => listed.status)).toEqual(['live']);
  });

  it('rejects unknown scopes, an unknown team and an expiry in the past', async () => {
    const create = ['key', 'create', '--team', TEAM, '--client', 'wrong'];

    expect(await failure(2, ...create, '--scope', 'admin')).toContain('records:read, records:write, schema:write');
    expect(await failure(2, ...create)).toContain("required option '--scope <a,b>' not specified");
    expect(await failure(2, ...create, '--scope', 'records:read', '--expires', '2020-01-01')).toContain(
      'in the future',
    );
    const otherTeam = '0197b1a2-7c3d-7e4f-8a5b-6c7d8e9fa0ff';
    expect(
      await failure(1, 'key', 'create', '--team', otherTeam, '--client', 'x', '--scope', 'records:read'),
    ).toContain(`there is no team ${otherTeam}`);
    const { clients } = await document<{ clients: { name: string }[] }>('client', 'list', '--team', TEAM);
    expect(clients.map((client) => client.name)).not.toContain('wrong');
  });

  it('does not repeat a whole key that was pasted in place of a key id', async () => {
    const { api_key: key } = await createKey('careless');

    const message = await failure(2, 'key', 'revoke', '--team', TEAM, '--key', key);
    expect(message).toContain('12 letters and digits');
    expect(message).not.toContain(key);
    expect(await failure(1, 'key', 'list', '--team', TEAM, '--client', key)).not.toContain(key);
    expect(await failure(2, 'key', key)).not.toContain(key);
  });
});

describe('the program', () => {
  it('prints its help without a database', async () => {
    expect(await run({}, ['--help'])).toMatchObject({ code: 0, stderr: '' });
    expect((await run({}, ['--help'])).stdout).toMatch(/team[\s\S]*client[\s\S]*key[\s\S]*migrate[\s\S]*sbom/);
    failureOf(await run({}, ['frobnicate']), 2);
  });

  it('names a missing setting', async () => {
    expect(failureOf(await run({}, ['team', 'list']), 1)).toContain('DATABASE_URL');
  });

  it('reports an unavailable database without its password', async () => {
    const message = failureOf(
      await runHere({ DATABASE_URL: 'postgres://someone:hunter2@127.0.0.1:1/x' }, ['team', 'list']),
      1,
    );

    expect(message).toContain('DATABASE_URL is not available: no server listens');
    expect(message).not.toContain('hunter2');
  });

  it('requests pending migrations, applies them, and does nothing the second time', async () => {
    const empty = await createDatabase({ migrated: false });
    try {
      const env = { DATABASE_URL: empty.url };
      expect(failureOf(await runHere(env, ['team', 'list']), 1)).toContain('npm run migrate');
      expect((await run(env, ['migrate'])).stdout).toMatch(/^(applied \d{4}_\w+\n)+(applied functions\/\w+\n)+$/);
      expect(await runHere(env, ['migrate'])).toEqual({ code: 0, stdout: 'the schema is up to date\n', stderr: '' });
      expect(JSON.parse((await runHere(env, ['migrate', '--json'])).stdout)).toEqual({
        applied: [],
        gateway_role: null,
        worker_role: null,
      });
      expect(await runHere(env, ['team', 'list', '--json'])).toEqual({ code: 0, stdout: '{"teams":[]}\n', stderr: '' });
    } finally {
      await empty.drop();
    }
  });

  it('grants roles their privileges when it migrates, and names a role that does not exist', async () => {
    const empty = await createDatabase({ migrated: false });
    const env = { DATABASE_URL: empty.url };
    const roles = ['--gateway-role', inject('gatewayRole'), '--worker-role', inject('workerRole')];
    try {
      expect((await runHere(env, ['migrate', ...roles])).stdout).toContain(
        `the role ${inject('gatewayRole')} can run gateways\nthe role ${inject('workerRole')} can run workers\n`,
      );
      expect(JSON.parse((await runHere(env, ['migrate', ...roles, '--json'])).stdout)).toEqual({
        applied: [],
        gateway_role: inject('gatewayRole'),
        worker_role: inject('workerRole'),
      });
      expect(failureOf(await runHere(env, ['migrate', '--worker-role', 'absent']), 1)).toContain(
        'CREATE ROLE "absent"',
      );
    } finally {
      await empty.drop();
    }
  });

  it('enables and disables row-level security', async () => {
    const securedTables = async (): Promise<number> =>
      (await sql.query('SELECT FROM pg_class WHERE relrowsecurity')).rowCount ?? 0;
    const on = await admin('row-level-security', 'on', '--json');
    expect(JSON.parse(on.stdout)).toMatchObject({ row_level_security: 'on', owner: 'postgres' });
    expect(await securedTables()).toBe((JSON.parse(on.stdout) as { tables: string[] }).tables.length);
    expect((await admin('row-level-security', 'off')).stdout).toMatch(/^row-level security is off for \d+ tables\n$/);
    expect(await securedTables()).toBe(0);
    expect((await admin('row-level-security', 'on')).stdout).toContain(
      'for all roles except their owner postgres and superusers',
    );
    expect((await admin('row-level-security', 'sideways')).code).toBe(2);
  });
});
