import { QuickstartError } from './quickstart.error';
import { type Service } from './service';

/** The user's own Postgres, if its address is in the environment. */
export function givenPostgres(env: NodeJS.ProcessEnv): Service | undefined {
  return given(env, 'DATABASE_URL', '5432');
}

/** The user's own Redis, if its address is in the environment. */
export function givenRedis(env: NodeJS.ProcessEnv): Service | undefined {
  return given(env, 'REDIS_URL', '6379');
}

function given(env: NodeJS.ProcessEnv, variable: string, usualPort: string): Service | undefined {
  const url = env[variable];
  if (url === undefined || url === '') return undefined;
  // Never shown itself: it may hold a password.
  if (!URL.canParse(url)) throw new QuickstartError(`${variable} is no URL`);
  const { hostname, port } = new URL(url);
  return { origin: 'given', url, version: undefined, address: `${hostname}:${port === '' ? usualPort : port}` };
}
