import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { batch, codesOf, Engine, newKey, rename } from '../support/engine';
import { PostgresPair } from '../support/postgres.pair';
import { Session } from '../support/session';
import { TcpProxy } from '../support/tcp.proxy';

// The time is the guarantee here, so this test measures it.
const FIRST_WRITE_MS = 5_000;
const CALLERS = 4;

let pair: PostgresPair;
let address: TcpProxy;
let engine: Engine;
const team = randomUUID();
let ids: string[];

beforeEach(async () => {
  pair = await PostgresPair.create();
  address = await TcpProxy.before(pair.primaryUrl);
});
afterEach(async () => {
  await engine.close();
  address.close();
  await pair.remove();
});

/** Opens the connections of all callers. */
async function warmUp(url: string): Promise<void> {
  const session = await Session.open(pair.primaryUrl);
  engine = await Engine.connect(url, { DATABASE_POOL_SIZE: String(CALLERS) }, undefined, session);
  ids = await engine.insert(team, CALLERS);
  const calls = ids.map((id) => engine.apply(batch(team, [rename(id)]), newKey()));
  expect((await Promise.all(calls)).flatMap(codesOf)).toEqual(ids.map(() => 'ok'));
}

/** Writes with every caller until one is acknowledged. @returns the time until then, in milliseconds */
async function timeToFirstWrite(): Promise<number> {
  const startedAt = performance.now();
  let firstAt: number | undefined;
  const write = async (id: string): Promise<void> => {
    while (firstAt === undefined) {
      const codes = await engine.apply(batch(team, [rename(id)]), newKey()).then(codesOf, () => ['unavailable']);
      if (codes.includes('ok')) firstAt ??= performance.now();
    }
  };
  await Promise.all(ids.map(write));
  return (firstAt ?? Infinity) - startedAt;
}

it('writes again within 5 s after the host vanished behind its address', async () => {
  await warmUp(address.through(pair.primaryUrl));
  await pair.promote();
  address.replaceHost({ host: '127.0.0.1', port: pair.standby.port });
  expect(await timeToFirstWrite()).toBeLessThan(FIRST_WRITE_MS);
});

it('writes again within 5 s after the first of several hosts vanished', async () => {
  const hosts = [address.port, pair.standby.port].map((port) => `127.0.0.1:${port}`).join(',');
  await warmUp(pair.primaryUrl.replace(/@[^/]+/, `@${hosts}`));
  await pair.promote();
  address.stall();
  expect(await timeToFirstWrite()).toBeLessThan(FIRST_WRITE_MS);
});
