import type { Settings } from '#libs/config';

/** What stands between this program and Postgres. */
export interface PoolerOptions {
  /**
   * - `none`: nothing; each connection has a backend of its own
   * - `session`: a pooler that keeps a connection and its backend together until the connection is closed
   * - `transaction`: a pooler that may execute each transaction of a connection on another backend
   */
  readonly pooler: 'none' | 'session' | 'transaction';
  /** Whether each connection prepares its statements once. */
  readonly preparedStatements: boolean;
}

export type PoolerSettings = Pick<Settings, 'databasePooler' | 'databasePreparedStatements'>;

/** The settings as a pool takes them. By default, there is no pooler. */
export function poolerOptions({
  databasePooler = 'none',
  databasePreparedStatements = 'on',
}: Partial<PoolerSettings> = {}): PoolerOptions {
  return { pooler: databasePooler, preparedStatements: databasePreparedStatements === 'on' };
}
