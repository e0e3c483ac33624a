import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AccessService } from '#libs/auth';
import { readSettings } from '#libs/config';
import { openDatabase } from '#libs/database';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createDatabase } from '../support/database';
import { GatewayProcess } from '../support/gateway.process';
import { PostgresServer } from '../support/postgres.server';
import { onServer } from '../support/server.database';

const HBA = `
host all postgres 127.0.0.1/32 trust
host all reader 127.0.0.1/32 scram-sha-256
hostssl all encrypted 127.0.0.1/32 trust
`;

let server: PostgresServer;
let folder: string;
/** A valid key of another database. This server cannot look it up. */
let apiKey: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'prism-passwords-'));
  server = await PostgresServer.create({}, { hba: HBA });
  await onServer(server.url, "CREATE ROLE reader LOGIN PASSWORD 'first'");
  await onServer(server.url, 'CREATE ROLE encrypted LOGIN');
  apiKey = await createKey();
});
afterAll(async () => {
  await server.remove();
  rmSync(folder, { recursive: true });
});

async function createKey(): Promise<string> {
  const other = await createDatabase();
  const database = openDatabase(readSettings({ DATABASE_URL: other.url }));
  const access = AccessService.create(database);
  const team = randomUUID();
  await access.createTeam('team', team);
  const created = await access.createKey(team, 'client', ['records:read']);
  await database.close();
  await other.drop();
  return created.apiKey;
}

function urlOf(user: string, rest = 'postgres'): string {
  return `postgres://${user}@127.0.0.1:${server.port}/${rest}`;
}

interface Readiness {
  status: string;
  checks: { postgres: string };
  error?: { message: string };
}

async function readiness(api: string): Promise<Readiness> {
  const response = await fetch(`${api}/health/ready`);
  return (await response.json()) as Readiness; // asserted below
}

describe('a server that rejects the gateway', () => {
  it.each([
    ['a wrong password', () => urlOf('reader:wrong'), 'the server rejected the password: correct it in DATABASE_URL'],
    ['no password', () => urlOf('reader'), 'the server asks for a password'],
    ['an unknown user', () => urlOf('nobody'), 'check the user of DATABASE_URL'],
    ['an unencrypted connection', () => urlOf('encrypted'), 'its sslmode (the server may require TLS)'],
    ['an unknown database', () => urlOf('postgres', 'missing'), 'the database does not exist'],
    [
      'a CA file that does not exist',
      () => urlOf('postgres', 'postgres?sslmode=verify-ca&sslrootcert=/missing'),
      'a file does not exist',
    ],
    ['encryption', () => urlOf('postgres', 'postgres?sslmode=require'), 'the server does not support TLS'],
  ])('because of %s makes it unavailable, and the log and readiness say why', async (_, url, reason) => {
    const gateway = GatewayProcess.start({ DATABASE_URL: url() });
    const { api } = await gateway.listening();
    const { status, checks, error } = await readiness(api);
    expect([status, checks.postgres]).toEqual(['unavailable', 'down']);
    expect(error?.message).toContain(reason);
    const line = await gateway.line('readiness: unavailable');
    expect(line.reason).toContain(reason);

    const response = await fetch(`${api}/v2/prism/${randomUUID()}/properties/organization`, {
      headers: { 'x-api-key': apiKey },
    });
    expect([response.status, await response.json()]).toMatchObject([503, { error: { code: 'unavailable' } }]);
    expect(gateway.stdout + gateway.stderr).not.toContain('wrong');
  });

  it('is used again when the password in the file of PGPASSFILE is replaced, without a restart', async () => {
    const file = join(folder, 'pgpass');
    const setPassword = (password: string): void => {
      writeFileSync(file, `*:*:*:reader:${password}\n`, { mode: 0o600 });
    };
    setPassword('first');
    const gateway = GatewayProcess.start({ DATABASE_URL: urlOf('reader'), PGPASSFILE: file });
    const { api } = await gateway.listening();
    await expect.poll(async () => (await readiness(api)).checks.postgres).toBe('up');

    await onServer(server.url, "ALTER ROLE reader PASSWORD 'second'");
    const end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'reader'";
    await onServer(server.url, end);
    await expect.poll(async () => (await readiness(api)).error?.message).toContain('rejected the password');
    setPassword('second');
    await expect.poll(async () => (await readiness(api)).checks.postgres).toBe('up');
  });
});
