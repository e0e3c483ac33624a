import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { readSettings } from '#libs/config';
import { applyGrants, migrate, openDatabase, setRowLevelSecurity } from '#libs/database';
import { PostgresServer } from './postgres.server';
import { startRedis } from './redis.server';
import { databaseUrl, onServer } from './server.database';

declare module 'vitest' {
  export interface ProvidedContext {
    /** The Postgres on which tests make their databases. */
    postgresUrl: string;
    /** A migrated, empty database on it, to make others from. */
    templateDatabase: string;
    /** The role that gateways have, and no right beside; behind the team wall. */
    gatewayRole: string;
    /** The role that workers have. */
    workerRole: string;
    /** A Redis that tests share: they use keys of their own teams. */
    redisUrl: string;
  }
}

const roles = { gateway: 'prism_gateway', worker: 'prism_worker' };

/** What the tests drive, and the Debian package that has it. */
const programs = {
  psql: 'postgresql-client',
  'redis-server': 'redis-server',
  haproxy: 'haproxy',
  prometheus: 'prometheus',
  promtool: 'prometheus',
  chromium: 'chromium',
  curl: 'curl',
  ps: 'procps',
};

/**
 * Starts the Postgres and the Redis that tests share, and migrates one database of which every test file gets a copy.
 * Tests that stop or kill a server start their own.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  requirePrograms();
  const [postgres, redis] = await Promise.all([PostgresServer.create({ max_connections: '200' }), startRedis()]);
  const template = `prism_template_${randomBytes(6).toString('hex')}`;
  await onServer(postgres.url, `CREATE DATABASE ${template} TEMPLATE template0`);
  await migrate(databaseUrl(postgres.url, template));
  await secure(databaseUrl(postgres.url, template));
  project.provide('postgresUrl', postgres.url);
  project.provide('templateDatabase', template);
  project.provide('gatewayRole', roles.gateway);
  project.provide('workerRole', roles.worker);
  project.provide('redisUrl', redis.url);
  return async () => {
    await Promise.all([postgres.remove(), redis.kill()]);
  };
}

/** As in a production that takes all the care there is: a role for each program, and the wall. */
async function secure(url: string): Promise<void> {
  const database = openDatabase(readSettings({ DATABASE_URL: url }));
  try {
    for (const program of ['gateway', 'worker'] as const) {
      await database.query(`CREATE ROLE ${roles[program]} LOGIN`);
      await applyGrants(database, program, roles[program]);
    }
    await setRowLevelSecurity(database, true);
  } finally {
    await database.close();
  }
}

function requirePrograms(): void {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin'];
  const missing = Object.entries(programs).filter(
    ([name]) => !folders.some((folder) => existsSync(join(folder, name))),
  );
  if (missing.length === 0) return;
  const packages = [...new Set(missing.map(([, name]) => name))].join(' ');
  throw new Error(`the tests drive ${missing.map(([name]) => name).join(', ')}: apt-get install ${packages}`);
}
