import { randomBytes } from 'node:crypto';
import type { TestProject } from 'vitest/node';
import { readSettings } from '#libs/config';
import { migrate, openDatabase } from '#libs/database';
import { postgresBinaries, serverUser } from './postgres.binaries';
import { PostgresServer } from './postgres.server';
import { createProgramRoles, programRoles } from './program.roles';
import { findExecutable } from './prerequisites.mjs';
import { startRedis } from './redis.server';
import { databaseUrl, onServer } from './server.database';

declare module 'vitest' {
  export interface ProvidedContext {
    /** The Postgres on which tests create their databases. */
    postgresUrl: string;
    /** Name of a migrated, empty database on it: the template of the others. */
    templateDatabase: string;
    /** The workers, if the Postgres is the coordinator of a cluster; else none. */
    workerUrls: readonly string[];
    /** Role of the gateways: the gateway's grants only, subject to row-level security. */
    gatewayRole: string;
    /** Role of the workers: the worker's grants only. */
    workerRole: string;
    /** A Redis that tests share: each uses keys of its own teams. Empty on a machine without `redis-server`. */
    redisUrl: string;
  }
}

/**
 * Starts the Postgres and the Redis that tests share, and migrates one database that every test file copies. Tests that
 * stop or kill a server start their own.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  // Workers inherit it: the embedded Postgres is looked up, and copied for another user, only once.
  process.env.TEST_POSTGRES_BIN = postgresBinaries(serverUser());
  const [postgres, redis] = await Promise.all([
    // Nothing kills it, so nothing needs its files on the disk. Tests of durability start their own.
    PostgresServer.create({ max_connections: '200', fsync: 'off' }),
    findExecutable('redis-server') === undefined ? undefined : startRedis(),
  ]);
  const template = `prism_template_${randomBytes(6).toString('hex')}`;
  await onServer(postgres.url, `CREATE DATABASE ${template} TEMPLATE template0`);
  await migrate(databaseUrl(postgres.url, template));
  await secure(databaseUrl(postgres.url, template));
  project.provide('postgresUrl', postgres.url);
  project.provide('templateDatabase', template);
  project.provide('workerUrls', []);
  project.provide('gatewayRole', programRoles.gateway);
  project.provide('workerRole', programRoles.worker);
  project.provide('redisUrl', redis?.url ?? '');
  return async () => {
    await Promise.all([postgres.remove(), redis?.kill()]);
  };
}

async function secure(url: string): Promise<void> {
  const database = openDatabase(readSettings({ DATABASE_URL: url }));
  try {
    await createProgramRoles(database);
  } finally {
    await database.close();
  }
}
