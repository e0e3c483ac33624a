// @module-tag psql
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PostgresServer } from '../support/postgres.server';
import { roleUrl } from '../support/server.database';
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

function makeRoles(env: Record<string, string>, url = postgres.url): Promise<{ stderr: string }> {
  return run('psql', ['--no-psqlrc', '--quiet', '--file', 'deploy/postgres/roles.sql', url], {
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

  it('lets the worker see the transactions of other roles, if whoever runs it may grant that', async () => {
    const members = (): Promise<object[]> =>
      session.query(
        "SELECT FROM pg_auth_members WHERE roleid = 'pg_read_all_stats'::regrole AND member = 'prism_worker'::regrole",
      );
    await session.query('CREATE ROLE creator LOGIN CREATEROLE');
    await session.query('DROP ROLE prism_gateway, prism_worker');
    expect(await makeRoles(passwords, roleUrl(postgres.url, 'creator'))).toMatchObject({
      stderr: expect.stringContaining('GRANT pg_read_all_stats TO prism_worker') as string,
    });
    expect(await members()).toEqual([]);
    expect(await makeRoles(passwords)).toMatchObject({ stderr: '' });
    expect(await members()).toHaveLength(1);
  });
});
