import { describe, expect, it } from 'vitest';
import { RawSocket } from '../support/raw.socket';
import { useGateway } from '../support/gateway.hooks';

const api = useGateway({ settings: { REQUEST_TIMEOUT_MS: '2000', LOCK_TIMEOUT_MS: '60000' } });

function headOfUpload(path: string, headers: Record<string, string>): string {
  const lines = Object.entries({
    host: 'gateway',
    'content-type': 'application/json',
    'content-length': '100',
    ...headers,
  });
  return [`POST ${path} HTTP/1.1`, ...lines.map(([name, value]) => `${name}: ${value}`), '', ''].join('\r\n');
}

describe('x-request-timeout-ms', () => {
  it.each(['1', '50', '007', '2000', '999999999999999999999'])('accepts %s', async (budget) => {
    const { status } = await api.caller.call('GET', '/health/live', { headers: { 'x-request-timeout-ms': budget } });
    expect(status).toBe(200);
  });

  it.each(['0', '-1', '1.5', '1e3', 'soon', '', ' ', '1, 2'])(
    'responds 400 with the name of the header to %j',
    async (budget) => {
      const { status, body } = await api.caller.call('GET', api.caller.path('organization/properties'), {
        headers: { 'x-request-timeout-ms': budget },
      });
      expect([status, body.error.code]).toEqual([400, 'invalid_request']);
      expect(body.error.errors[0].field).toBe('.header.x-request-timeout-ms');
    },
  );

  it('is checked after authentication', async () => {
    const { status } = await api.caller.call('GET', api.caller.path('organization/properties'), {
      headers: { 'x-request-timeout-ms': 'soon', 'x-api-key': '' },
    });
    expect(status).toBe(401);
  });

  it('responds to a request with 1 ms', async () => {
    const id = await api.caller.create();
    const { status } = await api.caller.update([{ id, default: { name: 'A' } }], undefined, {
      'x-request-timeout-ms': '1',
    });
    // The body may not have arrived by then.
    expect([200, 408, 503]).toContain(status);
  });
});

describe('the timeout headers of the official SDKs', () => {
  async function upload(headers: Record<string, string>): Promise<{ status: number; ms: number }> {
    const socket = await RawSocket.open(api.gateway.url);
    const start = performance.now();
    const path = api.caller.path('organization/batch/update');
    await socket.send(headOfUpload(path, { 'x-api-key': api.caller.credentials.apiKey, ...headers }));
    const { status } = await socket.response();
    socket.destroy();
    return { status, ms: performance.now() - start };
  }

  it.each([
    ['x-stainless-read-timeout', { 'x-stainless-read-timeout': '0.3' }],
    ['x-stainless-timeout', { 'x-stainless-timeout': '0.3' }],
    ['the shortest of both', { 'x-stainless-read-timeout': '60', 'x-stainless-timeout': '0.3' }],
    ['x-request-timeout-ms if it is shorter', { 'x-stainless-read-timeout': '1', 'x-request-timeout-ms': '300' }],
    [
      "the SDK's if x-request-timeout-ms is longer",
      { 'x-stainless-read-timeout': '0.3', 'x-request-timeout-ms': '1000' },
    ],
  ])('set the deadline: %s', async (_, headers) => {
    const { status, ms } = await upload(headers);
    expect(status).toBe(408);
    expect(ms).toBeGreaterThan(240);
    expect(ms).toBeLessThan(900);
  });

  it.each(['0', '0.0', '-1', 'inf', 'None', '', '1e-3', '1, 2', '0x1', '.3'])(
    'are ignored if invalid: %j',
    async (seconds) => {
      const id = await api.caller.create();
      const { body } = await api.caller.update([{ id, default: { name: 'A' } }], undefined, {
        'x-stainless-read-timeout': seconds,
        'x-stainless-timeout': seconds,
      });
      expect(body.summary).toEqual({ total: 1, succeeded: 1, failed: 0 });
    },
  );
});

describe('a deadline that is too close', () => {
  it.each(['1', '5', '15'])('executes no item: %s ms', async (budget) => {
    const id = await api.caller.create();
    const { status, body } = await api.caller.update([{ id, default: { name: 'A' } }], undefined, {
      'x-request-timeout-ms': budget,
    });
    if (status === 200) expect(body.results[0].error.code).toMatch(/^(not_attempted|outcome_unknown)$/);
    else if (status === 408) expect(body.error.code).toBe('invalid_request');
    else expect([status, body.error.code]).toEqual([503, 'unavailable']);
    expect((await api.caller.read(id)).version).toBe(1);
  });

  it('leaves no statement waiting that could still change the record', async () => {
    const id = await api.caller.create();
    await api.gateway.database.transaction(async (client) => {
      await client.query('SELECT FROM records WHERE id = $1 FOR UPDATE', [id]);
      // The second waits behind the first, and reaches the record's lock only when its time is over.
      const patch = (): Promise<unknown> =>
        api.caller.update([{ id, default: { name: 'A' } }], undefined, { 'x-request-timeout-ms': '1000' });
      await Promise.all([patch(), patch(), patch()]);
      const waiting = "SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()";
      await expect.poll(async () => (await client.query(waiting)).rowCount, { timeout: 450, interval: 20 }).toBe(0);
    });
    expect((await api.caller.read(id)).version).toBe(1);
  });
});

describe('the response is sent before the deadline', () => {
  it('when a record is locked for longer', async () => {
    const id = await api.caller.create();
    await api.gateway.database.transaction(async (client) => {
      await client.query('SELECT FROM records WHERE id = $1 FOR UPDATE', [id]);
      const start = performance.now();
      const { status } = await api.caller.update([{ id, default: { name: 'A' } }], undefined, {
        'x-request-timeout-ms': '500',
      });
      expect(performance.now() - start).toBeLessThan(500);
      expect([200, 503]).toContain(status);
    });
  });

  it.each([
    ['deadline of the request', { 'x-request-timeout-ms': '300' }, 300],
    ['deadline of the gateway', {}, 2000],
    ["deadline of the gateway, if the request's is longer", { 'x-request-timeout-ms': '60000' }, 2000],
  ])('when the body does not arrive: %s', async (_, headers, budgetMs) => {
    const socket = await RawSocket.open(api.gateway.url);
    const start = performance.now();
    const path = api.caller.path('organization/batch/update');
    await socket.send(headOfUpload(path, { 'x-api-key': api.caller.credentials.apiKey, ...headers }));
    const { status, body } = await socket.response();
    const took = performance.now() - start;
    socket.destroy();
    expect(status).toBe(408);
    expect(body).toMatchObject({ error: { code: 'invalid_request' } });
    expect(took).toBeLessThan(budgetMs);
    expect(took).toBeGreaterThan(budgetMs * 0.8);
  });
});
