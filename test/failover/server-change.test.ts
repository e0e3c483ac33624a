import { randomUUID } from 'node:crypto';
import { readSettings } from '#libs/config';
import { type Database, describeConnectionFailure, openDatabase } from '#libs/database';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { batch, codesOf, Engine, newKey, rename } from '../support/engine';
import { PostgresPair } from '../support/postgres.pair';
import { TcpProxy } from '../support/tcp.proxy';

let pair: PostgresPair;
let address: TcpProxy;
let engine: Engine;
const team = randomUUID();
let ids: string[];

beforeAll(async () => {
  pair = await PostgresPair.create();
});
afterAll(async () => {
  await pair.remove();
});

async function connect(url: string): Promise<void> {
  engine = await Engine.connect(url, { DATABASE_POOL_SIZE: '4' });
}

afterEach(async () => {
  await engine.close();
});

/** Of the server that a pool uses. */
async function portOf(database: Database): Promise<string | undefined> {
  const { rows } = await database.query<{ port: string }>("SELECT current_setting('port') AS port");
  return rows[0]?.port;
}

const failureOf = (call: Promise<unknown>): Promise<string> => call.then(String, describeConnectionFailure);

// In this order: the last two promote the standby.
describe('a server that accepts no writes', () => {
  it('is rejected while it is a standby', async () => {
    await connect(pair.standbyUrl);
    expect(await failureOf(engine.apply(batch(team, [rename(randomUUID())])))).toContain('the server is a standby');
    expect(await failureOf(engine.database.query('SELECT 1'))).toContain('the server is a standby');
  });

  it('is rejected when it becomes read-only, also on connections that exist, until it is writable again', async () => {
    await connect(pair.primaryUrl);
    ids = await engine.insert(team, 3);
    expect(
      codesOf(
        await engine.apply(
          batch(
            team,
            ids.map((id) => rename(id)),
          ),
        ),
      ),
    ).toEqual(['ok', 'ok', 'ok']);
    const setReadOnly = (value: 'on' | 'off'): Promise<void> =>
      pair.changeSetting(pair.primary, `default_transaction_read_only = ${value}`);
    await setReadOnly('on');
    await expect.poll(() => failureOf(engine.database.query('SELECT 1'))).toContain('read-only');
    await setReadOnly('off');
    await expect.poll(() => engine.database.query('SELECT 1').then(() => 'ok', String)).toBe('ok');
  });

  it('never reports outcome_unknown for a write that was not sent', async () => {
    await connect(pair.primaryUrl);
    const patch = (id: string): Promise<string> =>
      engine.apply(batch(team, [rename(id)])).then(
        (response) => codesOf(response).join(),
        () => 'unavailable',
      );
    expect(await Promise.all(ids.map(patch))).toEqual(['ok', 'ok', 'ok']);
    await pair.changeSetting(pair.primary, 'default_transaction_read_only = on');
    const outcomes: string[] = [];
    for (const id of [...ids, ...ids]) outcomes.push(await patch(id));
    await pair.changeSetting(pair.primary, 'default_transaction_read_only = off');
    expect(outcomes).not.toContain('outcome_unknown');
    expect(outcomes).toContain('unavailable');
  });

  it('is skipped in a URL with several hosts', async () => {
    const hosts = [1, pair.standby.port, pair.primary.port].map((port) => `127.0.0.1:${port}`);
    const url = `postgres://postgres@${hosts.join(',')}/prism?target_session_attrs=read-write`;
    const database = openDatabase(readSettings({ DATABASE_URL: url }));
    expect(await portOf(database)).toBe(String(pair.primary.port));
    await database.close();
  });
});

describe('an address that points to another server', () => {
  it('is followed when the former host vanishes: connections to that host are closed without a reset from it', async () => {
    address = await TcpProxy.before(pair.primaryUrl);
    await connect(address.through(pair.primaryUrl));
    const versions = await engine.versions(team, ids);
    const warm = ids.map((id) => engine.apply(batch(team, [rename(id)]), newKey()));
    expect((await Promise.all(warm)).flatMap(codesOf)).toEqual(['ok', 'ok', 'ok']);

    await pair.promote();
    address.replaceHost({ host: '127.0.0.1', port: pair.standby.port });
    // The calls on the connections to the former host end long before their own deadline.
    const keys = ids.map(() => newKey());
    const calls = ids.map((id, index) => engine.apply(batch(team, [rename(id)]), keys[index], 600_000));
    expect((await Promise.all(calls)).flatMap(codesOf)).toEqual(['unavailable', 'unavailable', 'unavailable']);
    const retries = ids.map((id, index) => engine.apply(batch(team, [rename(id)]), keys[index]));
    expect((await Promise.all(retries)).flatMap(codesOf)).toEqual(['ok', 'ok', 'ok']);

    const promoted = await Engine.connect(pair.standbyUrl);
    expect(await promoted.versions(team, ids)).toEqual(versions.map((version) => (version ?? 0) + 2));
    await promoted.close();
    address.close();
  });

  it('is followed while the former server keeps running: connections to it are closed, and not opened again', async () => {
    address = await TcpProxy.before(pair.primaryUrl);
    await connect(address.through(pair.primaryUrl));
    await engine.database.query('SELECT 1');
    address.redirect({ host: '127.0.0.1', port: pair.standby.port });
    const busy = engine.database
      .withClient(async (client) => client.query('SELECT pg_sleep(1)'))
      .then(
        () => 'ended',
        () => 'closed',
      );
    expect(await portOf(engine.database)).toBe(String(pair.standby.port)); // a second connection, which shows the promoted server
    expect(await busy).toBe('closed');
    expect(await portOf(engine.database)).toBe(String(pair.standby.port));
    address.close();
  });
});
