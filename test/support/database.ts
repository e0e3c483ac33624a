import { randomBytes } from 'node:crypto';
import { inject } from 'vitest';
import { copyCluster, dropCluster } from './citus.cluster';
import { databaseUrl, onServer } from './server.database';

export interface TestDatabase {
  url: string;
  drop(): Promise<void>;
}

/** Creates a migrated, empty database. In the project `cluster`, it is distributed. */
export async function createDatabase(options: { migrated?: boolean } = {}): Promise<TestDatabase> {
  const server = inject('postgresUrl');
  const workers = inject('workerUrls');
  const name = `prism_test_${randomBytes(6).toString('hex')}`;
  if (workers.length > 0 && options.migrated !== false) {
    const nodes = [server, ...workers];
    return {
      url: await copyCluster(nodes, inject('templateDatabase'), name),
      drop: () => dropCluster(nodes, name),
    };
  }
  const template = options.migrated === false ? 'template0' : inject('templateDatabase');
  await onServer(server, `CREATE DATABASE ${name} TEMPLATE ${template}`);
  return {
    url: databaseUrl(server, name),
    drop: () => onServer(server, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`),
  };
}
