import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { batch, codesOf, Engine, entriesOf, newKey, rename, renames, retryOf } from '../support/engine';
import { Session } from '../support/session';

/*
 * What another attempt, or the server, does between two statements of `apply_batch`. Each test has its own database, in which a
 * function waits for the advisory lock of the test.
 */

let engine: Engine;
let quick: Engine;
let teamId: string;
/** Holds the lock, where batches of the team run. */
let gate: Session;

beforeEach(async () => {
  engine = await Engine.start({ LOCK_TIMEOUT_MS: '20000' });
  quick = await Engine.connect(engine.url, { LOCK_TIMEOUT_MS: '50' });
  teamId = randomUUID();
  gate = await Session.ofTeam(engine.url, teamId);
  await gate.query('SELECT pg_advisory_lock(1)');
});
afterEach(async () => {
  await gate.close();
  await quick.close();
  await engine.close();
});

/** Makes a function wait behind a part of its text for the lock of the test. */
async function pauseBehind(name: string, part: string): Promise<void> {
  const [{ text } = { text: '' }] = await quick.session.query<{ text: string }>(
    'SELECT pg_get_functiondef($1::regproc) AS text',
    [name],
  );
  expect(text).toContain(part);
  await quick.session.query(text.replace(part, () => `${part} PERFORM pg_advisory_xact_lock_shared(1);`));
}

/** Resolves when an attempt waits there. */
async function paused(): Promise<void> {
  for (;;) {
    // Other databases of the server have their own tests.
    const rows = await gate.query(
      `SELECT FROM pg_locks
        WHERE locktype = 'advisory' AND NOT granted
          AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`,
    );
    if (rows.length > 0) return;
    await sleep(5);
  }
}

it('a rollback batch that failed returns the outcomes of another attempt that completed before its second claim', async () => {
  const ids = await engine.insert(teamId, 2);
  const plan = renames(teamId, ids, { onError: 'rollback' });
  const key = newKey();
  await pauseBehind('propagate_failures', 'BEGIN'); // it is called after the rollback
  await engine.session.hold(teamId, ids);
  const failed = quick.apply(plan, key);
  await paused();
  await engine.session.release();
  const completed = await engine.apply(plan, retryOf(key));
  expect(codesOf(completed)).toEqual(['ok', 'ok']);
  await gate.query('SELECT pg_advisory_unlock(1)');
  const response = await failed;
  expect(response).toMatchObject({ state: 'replayed', completedBy: completed.completedBy });
  expect(entriesOf(response)).toEqual(entriesOf(completed));
  expect(await engine.versions(teamId, ids)).toEqual([2, 2]);
});

it('an attempt returns the outcomes of another one that completed after its claim', async () => {
  const [first = '', second = ''] = await engine.insert(teamId, 2);
  const plan = batch(teamId, [rename(first), rename(second)]);
  const key = newKey();
  await engine.session.hold(teamId, [second]);
  const completing = engine.apply(plan, key);
  await engine.waitingBackends();
  await pauseBehind('claim_request', "ELSE 'resume'\n    END;");
  const late = engine.apply(plan, retryOf(key));
  await paused();
  await engine.session.release();
  const completed = await completing;
  expect(codesOf(completed)).toEqual(['ok', 'ok']);
  await gate.query('SELECT pg_advisory_unlock(1)');
  const response = await late;
  expect(response).toMatchObject({ state: 'replayed', completedBy: completed.completedBy });
  expect(entriesOf(response)).toEqual(entriesOf(completed));
  expect(await engine.versions(teamId, [first, second])).toEqual([2, 2]);
});

it('a keyed batch is unavailable if the server is read-only in its last transaction, and a retry completes it', async () => {
  const ids = await engine.insert(teamId, 2);
  const plan = renames(teamId, ids);
  const key = newKey();
  await engine.session.query(`
    CREATE FUNCTION read_only() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      RAISE read_only_sql_transaction;
    END $$`);
  await engine.session.query(
    'CREATE TRIGGER read_only BEFORE INSERT ON idempotency_outcomes FOR EACH ROW EXECUTE FUNCTION read_only()',
  );
  const attempt = await engine.apply(plan, key);
  expect(codesOf(attempt)).toEqual(['unavailable', 'unavailable']);
  expect(attempt.completedBy).toBeUndefined();
  await engine.session.query('DROP TRIGGER read_only ON idempotency_outcomes');
  const retry = await engine.apply(plan, retryOf(key));
  expect(codesOf(retry)).toEqual(['ok', 'ok']);
  expect(retry.outcomes.map(({ replayed }) => replayed)).toEqual([true, true]);
  expect(await engine.versions(teamId, ids)).toEqual([2, 2]);
});
