import { randomBytes } from 'node:crypto';

import { QuickstartError } from './quickstart.error';

/** A Postgres or Redis server that the gateway uses. */
export interface Service {
  /** `given`: by its URL in the environment. */
  origin: 'given' | 'system' | 'embedded';
  url: string;
  version?: string;
  /** Of a Postgres that the quickstart runs. */
  dataFolder?: string;
}

/** The service whose URL the environment variable has; undefined if it is not set. */
export function givenService(env: NodeJS.ProcessEnv, variable: 'DATABASE_URL' | 'REDIS_URL'): Service | undefined {
  const url = env[variable];
  if (!url) return undefined;
  // The message does not repeat the value, which may have a password.
  if (!URL.canParse(url)) throw new QuickstartError(`${variable} is not a URL`);
  return { origin: 'given', url };
}

/** A password that needs no escaping in a URL, a configuration file or SQL. */
export function newPassword(): string {
  return randomBytes(24).toString('base64url');
}
