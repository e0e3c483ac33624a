import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { ApiClient, ApiResponse } from '../../support/api.client';
import { startGateway, type TestGateway } from '../../support/gateway';
import { Session } from '../../support/session';

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
/** Every printable ASCII character, in an order that needs quotes. */
const PRINTABLE = String.fromCharCode(...Array.from({ length: 95 }, (_, index) => 0x20 + index));

let gateway: TestGateway;
let caller: ApiClient;
let observer: Session;

beforeAll(async () => {
  gateway = await startGateway({ settings: { LOCK_TIMEOUT_MS: '20000' } });
  caller = await gateway.newCaller();
  observer = await Session.open(gateway.databaseUrl);
});
afterAll(async () => {
  await observer.close();
  await gateway.close();
});

function quoted(key: string): string {
  return `"${key.replaceAll(/["\\]/g, '\\$&')}"`;
}

function receiptOf(key: string, client = caller): Promise<ApiResponse> {
  return client.call('GET', client.path(`receipts/${encodeURIComponent(key)}`));
}

/** The text of the elements of `results`. */
function resultsOf({ text }: ApiResponse): string | undefined {
  return /"results": ?\[(.*)\](?:\}$|, "summary")/s.exec(text)?.[1];
}

/** Runs the function while another session locks the record. */
function whileLocked<T>(id: string, use: () => Promise<T>): Promise<T> {
  return gateway.database.transaction(async (client) => {
    await client.query('SELECT FROM records WHERE team_id = $1 AND id = $2 FOR UPDATE', [caller.teamId, id]);
    return use();
  });
}

/** A batch whose first item is applied, and whose second one waits for a lock while the function runs. */
async function whileRunning(client: ApiClient, key: string, use: () => Promise<void>): Promise<ApiResponse> {
  const [free, held] = [await client.create(), await client.create()];
  const items = [free, held].map((id) => ({ id, default: { name: 'New' } }));
  const { pending } = await whileLocked(held, async () => {
    const pending = client.update(items, undefined, { 'idempotency-key': key });
    await expect.poll(() => observer.lockWaiters()).toBe(1);
    await use();
    return { pending };
  });
  return pending;
}

/** Makes the first attempt at every request of the team begin earlier. */
async function age(interval: string): Promise<void> {
  await gateway.database.query(
    `UPDATE idempotency_requests SET created_at = (created_at AT TIME ZONE 'UTC' - $2::interval) AT TIME ZONE 'UTC'
      WHERE team_id = $1`,
    [caller.teamId, interval],
  );
}

describe('the receipt of a complete request', () => {
  it('has the results of the response of the batch, byte for byte', async () => {
    const key = randomUUID();
    const id = await caller.create();
    const items = [
      { id, default: { name: 'Ümläut "quoted", [null]' } },
      { id: 'bad' },
      { id: randomUUID() },
      { id, extended: { text: 'line\nbreak' } },
      { id: 'bad' },
    ];
    const response = await caller.update(items, undefined, { 'idempotency-key': key });
    const receipt = await receiptOf(key);
    expect(receipt.status).toBe(200);
    expect(receipt.headers).toMatchObject({
      'content-type': 'application/json; charset=utf-8',
      'cache-control': 'no-store',
    });
    expect(receipt.body).toEqual({
      state: 'complete',
      created_at: expect.stringMatching(TIME) as string,
      expires_at: expect.stringMatching(TIME) as string,
      summary: { total: 5, succeeded: 2, failed: 3 },
      results: response.body.results,
    });
    expect(resultsOf(receipt)).toBe(resultsOf(response));
    const { created_at, expires_at } = receipt.body;
    expect(Date.parse(expires_at) - Date.parse(created_at)).toBe(86_400_000);
  });

  it('stays the same after the record has changed', async () => {
    const key = randomUUID();
    const id = await caller.create();
    await caller.update([{ id, default: { name: 'One' } }], undefined, { 'idempotency-key': key });
    const before = await receiptOf(key);
    await caller.update([{ id, default: { name: 'Two' } }]);
    expect((await receiptOf(key)).text).toBe(before.text);
  });

  it('has one result for a write of one record', async () => {
    const [create, patch, missing] = [randomUUID(), randomUUID(), randomUUID()];
    const body = { default: { name: 'Acme' } };
    const created = await caller.call('POST', caller.path('organization'), {
      headers: { 'idempotency-key': create },
      body,
    });
    const { id } = created.body;
    expect((await receiptOf(create)).body).toMatchObject({
      state: 'complete',
      summary: { total: 1, succeeded: 1, failed: 0 },
      results: [{ id, status: 'ok', etag: created.headers.etag, record: created.body }],
    });

    const patched = await caller.call('PATCH', caller.path(`organization/${id}`), {
      headers: { 'idempotency-key': patch },
      body,
    });
    expect((await receiptOf(patch)).body.results).toEqual([
      { id, status: 'ok', effect: 'updated', etag: patched.headers.etag, record: patched.body },
    ]);

    const options = { headers: { 'idempotency-key': missing }, body };
    await caller.call('PATCH', caller.path(`organization/${randomUUID()}`), options);
    expect((await receiptOf(missing)).body).toMatchObject({
      state: 'complete',
      summary: { total: 1, succeeded: 0, failed: 1 },
      results: [{ status: 'error', error: { code: 'not_found' } }],
    });
  });

  it('leaves out the records that the response left out', async () => {
    const small = await startGateway({ settings: { RECORD_LIMIT_BYTES: '500', RESPONSE_LIMIT_BYTES: '1000' } });
    onTestFinished(() => small.close());
    const client = await small.newCaller();
    const content = { default: { name: 'Acme' }, extended: { text: 'x'.repeat(300) } };
    const ids: string[] = [];
    for (let n = 0; n < 5; n += 1) ids.push(await client.create(content));
    const response = await client.update(
      ids.map((id) => ({ id, default: { name: 'New' } })),
      undefined,
      { 'idempotency-key': 'large' },
    );
    expect(response.body.results[4]).toMatchObject({ status: 'ok', record_omitted: true });
    const receipt = await receiptOf('large', client);
    expect(receipt.body.summary).toEqual({ total: 5, succeeded: 5, failed: 0 });
    expect(resultsOf(receipt)).toBe(resultsOf(response));
  });
});

describe('the receipt of a request that is not complete', () => {
  it('has the stored outcomes, and null for an item left to a retry', { tags: ['redis-server'] }, async () => {
    const short = await startGateway({
      databaseUrl: gateway.databaseUrl,
      settings: { LOCK_TIMEOUT_MS: '100' },
    });
    onTestFinished(() => short.close());
    const client = await short.newCaller({ teamId: caller.teamId });
    const key = randomUUID();
    const [free, held] = [await caller.create(), await caller.create()];
    const items = [{ id: free, default: { name: 'Free' } }, { id: held, default: { name: 'Held' } }, { id: 'bad' }];
    const headers = { 'idempotency-key': key };
    const response = await whileLocked(held, () => client.update(items, undefined, headers));
    expect(response.body.results[1].error.code).toBe('locked');

    const receipt = await receiptOf(key);
    const [first, , last] = response.body.results;
    expect(receipt.body).toMatchObject({
      state: 'interrupted',
      summary: { total: 3, succeeded: 1, failed: 1 },
      results: [first, null, last],
    });

    await client.update(items, undefined, headers);
    const { body } = await receiptOf(key);
    expect(body).toMatchObject({ state: 'complete', summary: { total: 3, succeeded: 2, failed: 1 } });
    expect(body.created_at).toBe(receipt.body.created_at);
  });

  it('is in progress while an attempt holds the claim, and then complete', { tags: ['redis-server'] }, async () => {
    const key = randomUUID();
    await whileRunning(caller, key, async () => {
      await age('1 hour');
      expect((await receiptOf(key)).body).toMatchObject({
        state: 'in_progress',
        summary: { total: 2, succeeded: 0, failed: 0 },
        results: [null, null],
      });
    });
    expect((await receiptOf(key)).body).toMatchObject({ state: 'complete', summary: { succeeded: 2 } });
  });

  it('is interrupted after the attempt has failed, whatever it applied', { tags: ['redis-server'] }, async () => {
    const key = randomUUID();
    const response = await whileRunning(caller, key, async () => {
      for (const backend of await observer.waitingBackends()) await observer.terminate(backend);
    });
    expect(response.body.results[1].error.code).toBe('unavailable');
    expect((await receiptOf(key)).body).toMatchObject({
      state: 'interrupted',
      summary: { total: 2, succeeded: 0, failed: 0 },
      results: [null, null],
    });
  });

  it.each([
    ['without Redis', ''],
    ['while Redis is unavailable', 'redis://127.0.0.1:1'],
  ])('is in progress for the time of a request %s', async (_, REDIS_URL) => {
    const other = await startGateway({
      databaseUrl: gateway.databaseUrl,
      settings: { REDIS_URL, LOCK_TIMEOUT_MS: '20000', REQUEST_TIMEOUT_MS: '30000' },
    });
    onTestFinished(() => other.close());
    const client = await other.newCaller({ teamId: caller.teamId });
    const key = randomUUID();
    await whileRunning(client, key, async () => {
      await age('20 seconds');
      expect((await receiptOf(key, client)).body.state).toBe('in_progress');
      await age('11 seconds');
      expect((await receiptOf(key, client)).body).toMatchObject({ state: 'interrupted', results: [null, null] });
    });
    expect((await receiptOf(key, client)).body.state).toBe('complete');
  });
});

describe('the key in the path', () => {
  it.each([
    ['with reserved characters', 'a/b?c=d&e#f;g:h+i%20j%2Fk\\l|m^n`o{p}q"r~'],
    ['that is a word of other routes', 'properties'],
    ['of 255 characters', '~'.repeat(255)],
    ['of every printable character', quoted(PRINTABLE)],
    ['that is a dot segment', '".."'],
    ['with white space at its ends', '" a "'],
  ])('is percent-encoded: %s', async (_, key) => {
    await caller.update([{ id: 'bad' }], undefined, { 'idempotency-key': key });
    expect((await receiptOf(key)).body).toMatchObject({ state: 'complete', summary: { total: 1 } });
  });

  it('is the same key bare and quoted, as in the header', async () => {
    const key = randomUUID();
    await caller.update([{ id: 'bad' }], undefined, { 'idempotency-key': key });
    expect((await receiptOf(`"${key}"`)).text).toBe((await receiptOf(key)).text);
    const other = randomUUID();
    await caller.update([{ id: 'bad' }], undefined, { 'idempotency-key': `"${other}"` });
    expect((await receiptOf(other)).status).toBe(200);
  });

  it('is one of the client, whichever of its API keys is used', async () => {
    const key = randomUUID();
    await caller.update([{ id: 'bad' }], undefined, { 'idempotency-key': key });
    const reader = await gateway.newCaller({ teamId: caller.teamId, scopes: ['records:read'] });
    expect((await receiptOf(key, reader)).text).toBe((await receiptOf(key)).text);
  });
});
