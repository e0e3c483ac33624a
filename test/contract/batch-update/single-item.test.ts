import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { ApiClient } from '../../support/api.client';
import { startGateway, type TestGateway } from '../../support/gateway';
import { RawSocket } from '../../support/raw.socket';
import { Session } from '../../support/session';
import { etagOf } from '../../support/etags';

/*
 * A batch of one patch without an Idempotency-Key has its own statement (the single-record fast path). Its results must
 * equal those of the procedure.
 */

const lockTimeoutMs = 700;

let gateway: TestGateway;
let caller: ApiClient;
let session: Session;
let id: string;

beforeAll(async () => {
  gateway = await startGateway({ settings: { LOCK_TIMEOUT_MS: String(lockTimeoutMs), RECORD_LIMIT_BYTES: '4096' } });
  caller = await gateway.newCaller();
  session = await Session.open(gateway.databaseUrl);
});
beforeEach(async () => {
  id = await caller.create({ default: { name: 'Acme', notes: 'n' } });
});
afterEach(() => session.release());
afterAll(async () => {
  await session.close();
  await gateway.close();
});

const rename = (more: object = {}): object[] => [{ id, default: { name: 'Renamed' }, ...more }];

/** The entry of the item in a batch of two, which the procedure applies. */
async function asOneOfTwo(items: object[]): Promise<unknown> {
  const { body } = await caller.update([...items, { id: 'none' }]);
  return body.results[0];
}

async function alone(items: object[], options?: object): Promise<any> {
  const { status, body } = await caller.update(items, options);
  expect([status, body.results.length, body.summary.total]).toEqual([200, 1, 1]);
  return body.results[0];
}

describe('a batch of one item', () => {
  it('returns the same entry as in a larger batch', async () => {
    const first = await alone(rename());
    const second: any = await asOneOfTwo(rename());
    expect([first.etag, second.etag]).toEqual([etagOf(2), etagOf(3)]);
    const { updated_at: before, ...firstValues } = first.record.default;
    const { updated_at: after, ...secondValues } = second.record.default;
    expect({ ...first, etag: '', record: { ...first.record, default: firstValues } }).toEqual({
      ...second,
      etag: '',
      record: { ...second.record, default: secondValues },
    });
    expect(Date.parse(before as string)).toBeLessThanOrEqual(Date.parse(after as string));
    expect(await alone(rename(), { return: 'minimal' })).toEqual({
      ...{ id, status: 'ok', effect: 'updated', etag: etagOf(4) },
    });
  });

  it.each(['continue', 'stop', 'rollback'])('is applied with on_error %s', async (onError) => {
    expect(await alone(rename(), { on_error: onError })).toMatchObject({ status: 'ok', etag: etagOf(2) });
  });

  it('is not applied if if_match does not match', async () => {
    expect((await alone(rename({ if_match: '"9"' }))).error.code).toBe('precondition_failed');
    const { etag } = await caller.read(id);
    expect((await alone(rename({ if_match: etag }))).etag).toEqual(etagOf(2));
    expect((await caller.read(id)).version).toBe(2);
  });

  it('is too_large if its record would be', async () => {
    const { error } = await alone([{ id, default: { notes: 'x'.repeat(4_096) } }]);
    expect([error.code, error.retryable]).toEqual(['too_large', false]);
    expect((await alone([{ id, default: { notes: 'x'.repeat(3_700) } }])).status).toBe('ok');
    expect((await caller.read(id)).version).toBe(2);
  });

  it('waits for a record that is locked', async () => {
    await session.hold(caller.teamId, [id]);
    const locked = await alone(rename());
    expect(locked).toEqual(await asOneOfTwo(rename()));
    expect(locked.error).toMatchObject({ code: 'locked', retryable: true });

    const patch = alone(rename());
    await expect.poll(() => session.lockWaiters()).toBe(1);
    await session.release();
    expect((await patch).etag).toEqual(etagOf(2));
  });

  it('is canceled when its client disconnects', async () => {
    await session.hold(caller.teamId, [id]);
    const socket = await RawSocket.open(gateway.url);
    const body = JSON.stringify({ items: rename() });
    const head = [
      `POST ${caller.path('organization/batch/update')} HTTP/1.1`,
      'host: gateway',
      `x-api-key: ${caller.credentials.apiKey}`,
      'content-type: application/json',
      `content-length: ${body.length}`,
    ];
    await socket.send([...head, '', body].join('\r\n'));
    await expect.poll(() => session.lockWaiters()).toBe(1);
    socket.destroy();
    await expect.poll(() => session.lockWaiters(), { timeout: lockTimeoutMs / 2, interval: 20 }).toBe(0);
    await session.release();
    expect((await caller.read(id)).version).toBe(1);
  });
});
