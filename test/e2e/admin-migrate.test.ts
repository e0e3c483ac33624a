import { afterEach, beforeEach, expect, inject, it } from 'vitest';
import { runAdmin } from '../../apps/admin/admin.program';
import { createDatabase, type TestDatabase } from '../support/database';

let database: TestDatabase;

beforeEach(async () => {
  database = await createDatabase({ migrated: false });
});
afterEach(() => database.drop());

async function admin(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  let [stdout, stderr] = ['', ''];
  const code = await runAdmin(args, {
    env: { DATABASE_URL: database.url },
    stdout: { write: (text) => (stdout += text) },
    stderr: { write: (text) => (stderr += text) },
  });
  return { code, stdout, stderr };
}

it('migrates an empty database, and does nothing on an up-to-date one', async () => {
  const failed = await admin('team', 'list');
  expect([failed.code, failed.stdout]).toEqual([1, '']);
  expect(failed.stderr).toContain('npm run migrate');
  expect((await admin('migrate')).stdout).toMatch(/^(applied \S+\n)+$/);
  expect(await admin('migrate')).toEqual({ code: 0, stdout: 'the schema is up to date\n', stderr: '' });
});

it('grants the privileges of gateways and workers to roles, and rejects a role that does not exist', async () => {
  const roles = ['--gateway-role', inject('gatewayRole'), '--worker-role', inject('workerRole')];
  expect((await admin('migrate', ...roles)).stdout).toContain(inject('gatewayRole'));
  expect(JSON.parse((await admin('migrate', ...roles, '--json')).stdout)).toEqual({
    applied: [],
    gateway_role: inject('gatewayRole'),
    worker_role: inject('workerRole'),
  });
  const failed = await admin('migrate', '--worker-role', 'absent');
  expect(failed.code).toBe(1);
  expect(failed.stderr).toContain('CREATE ROLE "absent"');
});

it('reports a database that is unavailable in one line', async () => {
  const url = new URL(database.url);
  url.port = '1';
  let stderr = '';
  const code = await runAdmin(['team', 'list'], {
    env: { DATABASE_URL: url.href },
    stdout: { write: () => undefined },
    stderr: { write: (text) => (stderr += text) },
  });
  expect(code).toBe(1);
  expect(stderr).toMatch(/^error: .+\n$/);
});
