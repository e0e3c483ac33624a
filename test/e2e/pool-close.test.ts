import { readSettings } from '#libs/config';
import { openDatabase } from '#libs/database';
import { expect, it } from 'vitest';
import { Engine } from '../support/engine';

it('a pool that is closed twice while a connection is in use waits for it and closes', async () => {
  const engine = await Engine.start();
  const database = openDatabase(readSettings({ DATABASE_URL: engine.url }));
  let release: (() => void) | undefined;
  let used: Promise<void> | undefined;
  await new Promise<void>((leased) => {
    used = database.withClient(async () => {
      leased();
      await new Promise<void>((resolve) => (release = resolve));
    });
  });
  const closed = Promise.all([database.close(), database.close()]);
  expect(database.stats().total).toBe(1);
  release?.();
  await Promise.all([used, closed]);
  expect(database.stats().total).toBe(0);
  await engine.close();
});
