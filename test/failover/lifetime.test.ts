import { readSettings } from '#libs/config';
import { type ConnectionPool, openControlDatabase, openDatabase } from '#libs/database';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { createDatabase, type TestDatabase } from '../support/database';

const STEP_MS = 5_000;

let own: TestDatabase;

beforeEach(async () => {
  own = await createDatabase();
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
});
afterEach(async () => {
  vi.useRealTimers();
  await own.drop();
});

async function backendOf(database: ConnectionPool): Promise<number | undefined> {
  const { rows } = await database.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
  return rows[0]?.pid;
}

it.each([
  ['control', 10, openControlDatabase],
  ['data', 300, openDatabase],
] as const)(
  'a connection of the %s pool is closed after %d s, even if it is in use all the time',
  async (_, seconds, open) => {
    const database = open(readSettings({ DATABASE_URL: own.url }));
    const first = await backendOf(database);
    for (let passed = STEP_MS; passed < 1_000 * seconds; passed += STEP_MS) {
      vi.advanceTimersByTime(STEP_MS);
      expect(await backendOf(database)).toBe(first);
    }
    vi.advanceTimersByTime(STEP_MS);
    expect(await backendOf(database)).not.toBe(first);
    vi.useRealTimers();
    await database.close();
  },
);
