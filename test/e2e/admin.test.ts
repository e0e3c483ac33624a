import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { settingsReference } from '#libs/config';
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

/** Runs the built program with nothing in its environment but what it needs. */
function run(env: NodeJS.ProcessEnv, args: string[]): Promise<Outcome> {
  return new Promise((resolve) => {
    execFile(process.execPath, [PROGRAM, ...args], { env }, (error, stdout, stderr) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, stdout, stderr });
    });
  });
}

/** Runs a command in this process, which is what `main.ts` does in one of its own, and many times faster. */
async function admin(...args: string[]): Promise<Outcome> {
  const outcome = { code: 0, stdout: '', stderr: '' };
  const stdout = { write: (text: string) => (outcome.stdout += text) };
  const stderr = { write: (text: string) => (outcome.stderr += text) };
  outcome.code = await runAdmin(args, { env: { DATABASE_URL: database.url }, stdout, stderr });
  return outcome;
}

/** The JSON document of a command that must succeed: all of standard output. */
async function document<T>(...args: string[]): Promise<T> {
  const outcome = await admin(...args, '--json');
  expect(outcome).toMatchObject({ code: 0, stderr: '' });
  // What the document holds is what the tests are about.
  return JSON.parse(outcome.stdout) as T;
}

/** What a refused command says, which is one line on standard error and nothing else. */
async function refusal(code: number, ...args: string[]): Promise<string> {
  return refusalOf(await admin(...args), code);
}

function refusalOf(outcome: Outcome, code: number): string {
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
  it('are made with an id or get a new one, and are listed', async () => {
    const id = '0197B1A2-7C3D-7E4F-8A5B-6C7D8E9FA0B2';
    const named = await document<{ id: string; name: string }>('team', 'create', '--id', id, '--name', 'Büro 7');
    const made = await document<{ id: string }>('team', 'create', '--name', 'Other');

    expect(named).toMatchObject({ id: id.toLowerCase(), name: 'Büro 7' });
    expect(made.id).toMatch(UUID);
    const { teams } = await document<{ teams: { id: string }[] }>('team', 'list');
    expect(teams.map((team) => team.id)).toEqual([TEAM, named.id, made.id]);
    expect((await admin('team', 'list')).stdout).toContain(`${named.id}  Büro 7`);
  });

  it('are not made twice', async () => {
    expect(await refusal(1, 'team', 'create', '--id', TEAM, '--name', 'Again')).toContain(
      `team ${TEAM} exists already (named 'Acme')`,
    );
  });

  it('need a UUID and a name that prints', async () => {
    expect(await refusal(2, 'team', 'create', '--id', 'acme', '--name', 'x')).toMatch(/--id.*must be a UUID/);
    expect(await refusal(2, 'team', 'create', '--name', 'a\nb')).toMatch(/--name.*1 to 200 characters/);
  });
});

describe('clients', () => {
  it('are made once a name, and are listed', async () => {
    const made = await document<{ id: string }>('client', 'create', '--team', TEAM, '--name', 'crm');
    const { clients } = await document<{ clients: unknown[] }>('client', 'list', '--team', TEAM);

    expect(clients).toContainEqual(expect.objectContaining({ id: made.id, name: 'crm' }));
    expect(await refusal(1, 'client', 'create', '--team', TEAM, '--name', 'crm')).toContain(
      "a client named 'crm' already",
    );
  });

  it('are limited one limit at a time, freed of all, and given back to the default', async () => {
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

  it('are limited by whole numbers that make a rate', async () => {
    const limit = ['client', 'limit', '--team', TEAM, '--client', 'crm'];
    expect(await refusal(2, ...limit)).toContain('set at least one of --items-per-second');
    expect(await refusal(2, ...limit, '--items-per-second', '1.5')).toMatch(/--items-per-second.*whole number, 0 to/);
    expect(await refusal(2, ...limit, '--requests-burst', '0')).toMatch(/--requests-burst.*whole number, 1 to/);
    expect(await refusal(2, ...limit, '--items-burst', '10')).toContain('--items-burst needs --items-per-second');
    expect(await refusal(2, ...limit, '--bytes-per-second', '1000000001')).toMatch(/whole number, 0 to 1000000000/);
    expect(await refusal(2, ...limit, '--requests-per-second', '0', '--requests-burst', '10')).toContain('above 0');
    expect(await refusal(2, ...limit, '--unlimited', '--items-per-second', '1')).toContain('cannot be used with');
    expect(await refusal(1, 'client', 'limit', '--team', TEAM, '--client', 'nobody', '--unlimited')).toContain(
      "no client named 'nobody'",
    );
  });
});

describe('keys', () => {
  it('are shown once, with their client made on the way, and kept as a hash', async () => {
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

  it('of one client are its alone', async () => {
    const [one, two] = [await createKey('shipping'), await createKey('shipping')];

    expect((await listKeys('shipping')).map((key) => key.key_id)).toEqual([one.key_id, two.key_id]);
    expect(await refusal(1, 'key', 'list', '--team', TEAM, '--client', 'nobody')).toContain("no client named 'nobody'");
  });

  it('for people come with the warning that they are shown once', async () => {
    const { stdout } = await admin('key', 'create', '--team', TEAM, '--client', 'people', '--scope', 'schema:write');
    const [facts, key, warning] = stdout.split('\n');

    expect(facts).toContain('client people');
    expect(key).toMatch(API_KEY);
    expect(warning).toContain('shown this once');
  });

  it('rotate: both work until the old one is revoked', async () => {
    const old = await createKey('rotating', '--expires', '2w');
    const fresh = await document<KeyDocument>('key', 'rotate', '--team', TEAM, '--key', old.key_id);

    expect(fresh.api_key).toMatch(API_KEY);
    expect(fresh).toMatchObject({ replaces: old.key_id, client: 'rotating', scopes: ['records:read'], status: 'live' });
    // It lives as long as the old one was meant to, from now.
    expect(Date.parse(fresh.expires_at ?? '')).toBeGreaterThan(Date.parse(old.expires_at ?? ''));
    expect((await listKeys('rotating')).map((key) => key.status)).toEqual(['live', 'live']);

    const revoked = await document<KeyDocument>('key', 'revoke', '--team', TEAM, '--key', old.key_id);
    expect(revoked.status).toBe('revoked');
    expect((await listKeys('rotating')).map((key) => key.status)).toEqual(['revoked', 'live']);
    // A second time changes nothing, not even the time.
    const again = await document<KeyDocument>('key', 'revoke', '--team', TEAM, '--key', old.key_id);
    expect(again.revoked_at).toBe(revoked.revoked_at);
    expect(await refusal(1, 'key', 'rotate', '--team', TEAM, '--key', old.key_id)).toContain('is revoked or expired');
  });

  it('rotate: the old one can be given an end, but never a longer life', async () => {
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

  it('of another team cannot be rotated or revoked', async () => {
    const { id } = await document<{ id: string }>('team', 'create', '--name', 'Strangers');
    const key = await createKey('guarded');

    for (const verb of ['rotate', 'revoke']) {
      expect(await refusal(1, 'key', verb, '--team', id, '--key', key.key_id)).toContain(`has no key ${key.key_id}`);
    }
    expect((await listKeys('guarded')).map((listed) => listed.status)).toEqual(['live']);
  });

  it('need known scopes, a known team and a time to come', async () => {
    const create = ['key', 'create', '--team', TEAM, '--client', 'wrong'];

    expect(await refusal(2, ...create, '--scope', 'admin')).toContain('records:read, records:write, schema:write');
    expect(await refusal(2, ...create)).toContain("required option '--scope <a,b>' not specified");
    expect(await refusal(2, ...create, '--scope', 'records:read', '--expires', '2020-01-01')).toContain(
      'in the future',
    );
    const otherTeam = '0197b1a2-7c3d-7e4f-8a5b-6c7d8e9fa0ff';
    expect(
      await refusal(1, 'key', 'create', '--team', otherTeam, '--client', 'x', '--scope', 'records:read'),
    ).toContain(`there is no team ${otherTeam}`);
    const { clients } = await document<{ clients: { name: string }[] }>('client', 'list', '--team', TEAM);
    expect(clients.map((client) => client.name)).not.toContain('wrong');
  });

  it('pasted whole where a key id belongs are not repeated', async () => {
    const { api_key: key } = await createKey('careless');

    const said = await refusal(2, 'key', 'revoke', '--team', TEAM, '--key', key);
    expect(said).toContain('12 letters and digits');
    expect(said).not.toContain(key);
    expect(await refusal(1, 'key', 'list', '--team', TEAM, '--client', key)).not.toContain(key);
    expect(await refusal(2, 'key', key)).not.toContain(key);
  });
});

describe('the program', () => {
  it('explains itself without a database', async () => {
    expect(await run({}, ['--help'])).toMatchObject({ code: 0, stderr: '' });
    expect((await run({}, ['--help'])).stdout).toMatch(/team[\s\S]*client[\s\S]*key[\s\S]*migrate[\s\S]*docs/);
    refusalOf(await run({}, ['frobnicate']), 2);
  });

  it('names the setting that is missing', async () => {
    expect(refusalOf(await run({}, ['team', 'list']), 1)).toContain('DATABASE_URL');
  });

  it('says that the database is away, without its password', async () => {
    const said = refusalOf(
      await run({ DATABASE_URL: 'postgres://someone:hunter2@127.0.0.1:1/x' }, ['team', 'list']),
      1,
    );

    expect(said).toContain('DATABASE_URL does not answer');
    expect(said).not.toContain('hunter2');
  });

  it('asks for the migrations that are missing, applies them, and does nothing the second time', async () => {
    const empty = await createDatabase({ migrated: false });
    try {
      const env = { DATABASE_URL: empty.url };
      expect(refusalOf(await run(env, ['team', 'list']), 1)).toContain('npm run migrate');
      expect((await run(env, ['migrate'])).stdout).toMatch(/^(applied \d{4}_\w+\n)+(applied functions\/\w+\n)+$/);
      expect(await run(env, ['migrate'])).toEqual({ code: 0, stdout: 'the schema is up to date\n', stderr: '' });
      expect(await run(env, ['team', 'list', '--json'])).toEqual({ code: 0, stdout: '{"teams":[]}\n', stderr: '' });
    } finally {
      await empty.drop();
    }
  });

  it('gives roles their rights when it migrates, and says which role there is not', async () => {
    const empty = await createDatabase({ migrated: false });
    const env = { DATABASE_URL: empty.url };
    const roles = ['--gateway-role', inject('gatewayRole'), '--worker-role', inject('workerRole')];
    try {
      expect((await run(env, ['migrate', ...roles])).stdout).toContain(
        `the role ${inject('gatewayRole')} can run gateways\nthe role ${inject('workerRole')} can run workers\n`,
      );
      expect(JSON.parse((await run(env, ['migrate', ...roles, '--json'])).stdout)).toEqual({
        applied: [],
        gateway_role: inject('gatewayRole'),
        worker_role: inject('workerRole'),
      });
      expect(refusalOf(await run(env, ['migrate', '--worker-role', 'absent']), 1)).toContain('CREATE ROLE "absent"');
    } finally {
      await empty.drop();
    }
  });

  it('puts the wall between teams up and takes it down', async () => {
    const walls = async (): Promise<number> =>
      (await sql.query('SELECT FROM pg_class WHERE relrowsecurity')).rowCount ?? 0;
    const up = await admin('wall', 'on', '--json');
    expect(JSON.parse(up.stdout)).toMatchObject({ wall: 'on', owner: 'postgres' });
    expect(await walls()).toBe((JSON.parse(up.stdout) as { tables: string[] }).tables.length);
    expect((await admin('wall', 'off')).stdout).toMatch(/^the wall is off for \d+ tables\n$/);
    expect(await walls()).toBe(0);
    expect((await admin('wall', 'on')).stdout).toContain('for all roles but their owner postgres and superusers');
    expect((await admin('wall', 'sideways')).code).toBe(2);
  });

  it('writes the references, and those of the repository are the same', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'prism docs '));
    try {
      expect((await run({}, ['docs', '--out', folder])).code).toBe(0);
      expect((await readdir(folder)).sort()).toEqual(['configuration.md', 'errors.md', 'metrics.md']);
      expect(await readFile(join(folder, 'configuration.md'), 'utf8')).toBe(settingsReference());
      for (const name of await readdir(folder)) {
        const [made, kept] = [join(folder, name), join(__dirname, '../../docs', name)];
        const same = (await readFile(made, 'utf8')) === (await readFile(kept, 'utf8'));
        expect(same, `docs/${name} is as the code says; if not: npm run docs`).toBe(true);
      }
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
