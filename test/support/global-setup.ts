import { randomBytes } from 'node:crypto';
import type { TestProject } from 'vitest/node';
import { migrate } from '#libs/database';
import { databaseUrl, onServer } from './server.database';

declare module 'vitest' {
  export interface ProvidedContext {
    /** A migrated, empty database to make others from. */
    templateDatabase: string;
  }
}

/** Migrates one database, of which every test file gets a copy. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const name = `prism_template_${randomBytes(6).toString('hex')}`;
  await onServer(`CREATE DATABASE ${name} TEMPLATE template0`);
  await migrate(databaseUrl(name));
  project.provide('templateDatabase', name);
  return () => onServer(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
}
