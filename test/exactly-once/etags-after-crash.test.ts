import { randomUUID } from 'node:crypto';
import { expect, it, onTestFinished } from 'vitest';
import { migrate } from '#libs/database';
import { batch, codesOf, Engine, newKey, rename } from '../support/engine';
import { PostgresServer } from '../support/postgres.server';

it('an etag of a change that a crash undid never matches a later change with the same version', async () => {
  // Nothing but the tested transactions writes WAL to disk.
  const server = await PostgresServer.create({ autovacuum: 'off' });
  onTestFinished(() => server.remove());
  await migrate(server.url);
  const before = await Engine.connect(server.url);
  const teamId = randomUUID();
  const [first = '', second = ''] = await before.insert(teamId, 2);
  process.kill(await walWriterOf(before), 'SIGSTOP');
  // The first item is visible, and not on disk, while the second one waits for a lock.
  const other = await Engine.connect(server.url);
  await other.session.hold(teamId, [second]);
  const running = before.apply(batch(teamId, [rename(first, 'Lost'), rename(second)]), newKey());
  await before.waitingBackends();
  expect(await before.versions(teamId, [first])).toEqual([2]);
  const lost = (await before.etags(teamId)).get(first) ?? '';
  // The server kills the paused process 5 s later.
  await server.stop('immediate');
  expect(codesOf(await running)).toEqual(['unavailable', 'unavailable']);
  await Promise.all([before.close(), other.close()]);

  await server.start();
  const after = await Engine.connect(server.url);
  expect(await after.versions(teamId, [first])).toEqual([1]);
  await after.apply(batch(teamId, [rename(first, 'Of another writer')]));
  expect(await after.versions(teamId, [first])).toEqual([2]);
  const conditional = { op: 'update', id: first, if_match: lost, set: { name: 'Of the reader' } } as const;
  expect(codesOf(await after.apply(batch(teamId, [conditional])))).toEqual(['precondition_failed']);
  expect((await after.stored(teamId)).get(first)?.properties).toEqual({ name: 'Of another writer' });
  await after.close();
});

/** The process that writes asynchronous commits to disk. */
async function walWriterOf({ session }: Engine): Promise<number> {
  const [row] = await session.query<{ pid: number }>(
    "SELECT pid FROM pg_stat_activity WHERE backend_type = 'walwriter'",
  );
  if (row === undefined) throw new Error('the server has no WAL writer');
  return row.pid;
}
