// @module-tag psql
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PostgresServer } from '../support/postgres.server';
import { Session } from '../support/session';

const run = promisify(execFile);
const passwords = { GATEWAY_PASSWORD: "gate'way", WORKER_PASSWORD: 'worker' };

let postgres: PostgresServer;
let session: Session;

beforeAll(async () => {
  postgres = await PostgresServer.create();
  session = await Session.open(postgres.url);
});
afterAll(async () => {
  await session.close();
  await postgres.remove();
});

function makeRoles(env: Record<string, string>): Promise<unknown> {
  return run('psql', ['--no-psqlrc', '--quiet', '--file', 'deploy/postgres/roles.sql', postgres.url], {
    env: { PATH: process.env.PATH, ...env },
  });
}

const secrets = (): Promise<{ role: string; secret: string | null }[]> =>
  session.query(
    `SELECT rolname AS role, rolpassword AS secret FROM pg_authid
      WHERE rolname LIKE 'prism_%' AND rolcanlogin AND NOT rolsuper AND NOT rolcreaterole AND NOT rolcreatedb ORDER BY 1`,
  );

describe('deploy/postgres/roles.sql', () => {
  it('creates nothing without its passwords', async () => {
    await expect(makeRoles({ GATEWAY_PASSWORD: 'only' })).rejects.toMatchObject({ code: 3 });
    expect(await secrets()).toEqual([]);
  });

  it('creates roles with the LOGIN privilege only, and updates their passwords on each run', async () => {
    await makeRoles(passwords);
    const first = await secrets();
    expect(first.map(({ role }) => role)).toEqual(['prism_gateway', 'prism_worker']);
    await makeRoles({ ...passwords, WORKER_PASSWORD: 'another' });
    const second = await secrets();
    expect(second.map(({ role }) => role)).toEqual(['prism_gateway', 'prism_worker']);
    for (const { secret } of [...first, ...second]) expect(secret).toMatch(/^SCRAM-SHA-256\$/);
    expect(second[1]?.secret).not.toBe(first[1]?.secret);
  });
});
