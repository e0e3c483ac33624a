import type { TestProject } from 'vitest/node';
import { CitusCluster } from './citus.cluster';
import { postgresBinaries, serverUser } from './postgres.binaries';
import { findExecutable, isInstalled } from './prerequisites.mjs';
import { programRoles } from './program.roles';
import { startRedis } from './redis.server';

/** Starts the cluster that the tests of the project share, instead of the Postgres of the other projects. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  if (!isInstalled('citus')) return () => Promise.resolve();
  process.env.TEST_POSTGRES_BIN = postgresBinaries(serverUser());
  const [cluster, redis] = await Promise.all([
    CitusCluster.start(),
    findExecutable('redis-server') === undefined ? undefined : startRedis(),
  ]);
  project.provide('postgresUrl', cluster.coordinator.url);
  project.provide(
    'workerUrls',
    cluster.workers.map(({ url }) => url),
  );
  project.provide('templateDatabase', cluster.template);
  project.provide('gatewayRole', programRoles.gateway);
  project.provide('workerRole', programRoles.worker);
  project.provide('redisUrl', redis?.url ?? '');
  return async () => {
    await Promise.all([cluster.remove(), redis?.kill()]);
  };
}
