import { constants } from 'node:buffer';
import { expect, it, onTestFinished } from 'vitest';
import { readSettings } from '#libs/config';
import { openDatabase } from '#libs/database';
import { createDatabase } from '../support/database';

it('fails the statement, and not the process, when a value is longer than a string can be', async () => {
  const own = await createDatabase();
  onTestFinished(() => own.drop());
  const database = openDatabase(readSettings({ DATABASE_URL: own.url, REQUEST_TIMEOUT_MS: '120000' }));
  onTestFinished(() => database.close());
  await expect(database.query(`SELECT repeat('x', ${constants.MAX_STRING_LENGTH + 1})`)).rejects.toMatchObject({
    code: 'unavailable',
    kind: 'connection',
  });
  await expect(database.query('SELECT')).resolves.toMatchObject({ rowCount: 1 });
});
