import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { startGateway, type TestGateway } from '../support/gateway';
import { PostgresPair } from '../support/postgres.pair';
import { onServer } from '../support/server.database';

let pair: PostgresPair;
let gateway: TestGateway;

beforeAll(async () => {
  pair = await PostgresPair.create();
});
afterEach(() => gateway.close());
afterAll(() => pair.remove());

async function readiness(): Promise<{ status: number; message: string | undefined }> {
  const response = await fetch(`${gateway.url}/health/ready`);
  const { error } = (await response.json()) as { error?: { message: string } }; // as documented
  return { status: response.status, message: error?.message };
}

it('is not ready while its server is a standby', async () => {
  gateway = await startGateway({ databaseUrl: pair.standbyUrl });
  expect(await readiness()).toEqual({
    status: 503,
    message: expect.stringContaining('the server is a standby') as string,
  });
});

it('is not ready while its server is read-only, and ready again afterwards', async () => {
  gateway = await startGateway({ databaseUrl: pair.primaryUrl });
  expect((await readiness()).status).toBe(200);
  await pair.changeSetting(pair.primary, 'default_transaction_read_only = on');
  await expect
    .poll(readiness)
    .toEqual({ status: 503, message: expect.stringContaining('default_transaction_read_only is on') as string });
  await pair.changeSetting(pair.primary, 'default_transaction_read_only = off');
  await expect.poll(async () => (await readiness()).status).toBe(200);
});

it('returns no receipt while the standby does not confirm it: 503 if its wait is interrupted', async () => {
  gateway = await startGateway({ databaseUrl: pair.primaryUrl });
  const caller = await gateway.newCaller();
  const key = randomUUID();
  const items = [{ id: await caller.create(), default: { name: 'Renamed' } }];
  expect((await caller.update(items, undefined, { 'idempotency-key': key })).status).toBe(200);

  await pair.standby.stop('fast');
  const receipt = caller.call('GET', caller.path(`receipts/${key}`));
  const [pid] = await pair.waitingBackends(1);
  await onServer(pair.primary.url, `SELECT pg_cancel_backend(${pid ?? 0})`);
  const { status, body } = await receipt;
  expect([status, body.error.code]).toEqual([503, 'unavailable']);

  await pair.standby.start();
  await pair.waitUntilSynchronous();
  expect((await caller.call('GET', caller.path(`receipts/${key}`))).body).toMatchObject({ state: 'complete' });
});
