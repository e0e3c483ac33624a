// @module-tag pgbouncer
import { readSettings } from '#libs/config';
import { describeConnectionFailure, openDatabase } from '#libs/database';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PgBouncer } from '../support/pgbouncer.server';
import { PooledDatabase } from '../support/pooled.database';
import { onServer } from '../support/server.database';

let database: PooledDatabase;

beforeAll(async () => {
  database = await PooledDatabase.create('transaction', 1);
});
afterAll(async () => {
  await database.remove();
});

async function failureOf(settings: Record<string, string>): Promise<string> {
  const pool = openDatabase(readSettings({ DATABASE_URL: '', ...settings }));
  try {
    return await pool.query('SELECT 1').then(() => 'connected', describeConnectionFailure);
  } finally {
    await pool.close();
  }
}

/** Calls with a PgBouncer that has other settings than the shipped ones. */
async function withPooler<T>(settings: Record<string, string>, use: (url: string) => Promise<T>): Promise<T> {
  const pooler = await PgBouncer.start('transaction', database.postgres.url, { default_pool_size: '1', ...settings });
  try {
    return await use(pooler.url('prism'));
  } finally {
    await pooler.stop();
  }
}

const NO_POOLER = 'a pooler is between the program and the server: set DATABASE_POOLER';

describe('a pooler that the settings do not mention', () => {
  it('is reported when it rejects the settings of a session', async () => {
    expect(await failureOf({ DATABASE_URL: database.settings.DATABASE_URL })).toContain(NO_POOLER);
  });

  it('is reported when it ignores the settings of a session', async () => {
    await withPooler({ ignore_startup_parameters: 'options' }, async (url) => {
      expect(await failureOf({ DATABASE_URL: url })).toContain(NO_POOLER);
    });
  });
});

describe('transaction pooling', () => {
  it('is rejected for a role without the settings of a session', async () => {
    await onServer(database.postgres.url, 'ALTER ROLE prism_worker RESET client_connection_check_interval');
    const url = database.pooler.url('prism', 'prism_worker');
    const failure = await failureOf({ ...database.settings, DATABASE_URL: url });
    expect(failure).toContain('client_connection_check_interval is 0');
    expect(failure).toContain('deploy/pgbouncer/role-settings.sql');
  });

  it('is rejected if the pooler does not manage prepared statements, unless they are off', async () => {
    const none = PgBouncer.preparesStatements ? { max_prepared_statements: '0' } : {};
    await withPooler(none, async (url) => {
      const settings = { DATABASE_URL: url, DATABASE_POOLER: 'transaction' };
      // Also when an earlier attempt has left its statement on the server connection.
      for (let attempt = 0; attempt < 2; attempt += 1) {
        expect(await failureOf(settings)).toContain('the pooler does not manage prepared statements');
      }
      expect(await failureOf({ ...settings, DATABASE_PREPARED_STATEMENTS: 'off' })).toBe('connected');
    });
  });
});
