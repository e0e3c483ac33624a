import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, inject, it, onTestFinished } from 'vitest';
import { AccessService } from '#libs/auth';
import { readSettings } from '#libs/config';
import { type Database, openDatabase } from '#libs/database';
import { createDatabase, type TestDatabase } from '../support/database';
import { GatewayProcess, type LogLine } from '../support/gateway.process';
import { PostgresServer } from '../support/postgres.server';
import { RawSocket } from '../support/raw.socket';
import { Session } from '../support/session';

const UPDATE = '/v2/prism/:team/:object/batch/update';
const PARENT = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';

let own: TestDatabase;
let database: Database;
let teamId: string;
let clientId: string;
let apiKey: string;

beforeAll(async () => {
  own = await createDatabase();
  database = openDatabase(readSettings({ DATABASE_URL: own.url }));
  const access = AccessService.create(database);
  teamId = (await access.createTeam('A team', randomUUID())).id;
  ({ apiKey } = await access.createKey(teamId, 'billing', ['records:read', 'records:write']));
  const { rows } = await database.query<{ id: string }>('SELECT id FROM clients WHERE team_id = $1', [teamId]);
  clientId = rows[0]?.id ?? '';
});
afterAll(async () => {
  await database.close();
  await own.drop();
});

/** Starts a gateway. `send` sends a request and returns its log line. */
async function start(env: Record<string, string> = {}): Promise<{
  gateway: GatewayProcess;
  api: string;
  send: (method: string, path: string, body?: unknown, headers?: Record<string, string>) => Promise<any>;
}> {
  const gateway = GatewayProcess.start({ DATABASE_URL: own.url, REDIS_URL: inject('redisUrl'), ...env });
  const { api } = await gateway.listening();
  const send = async (method: string, path: string, body?: unknown, headers = {}): Promise<unknown> => {
    const id = randomUUID();
    const response = await fetch(api + path, {
      method,
      headers: {
        'x-api-key': apiKey,
        'x-request-id': id,
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return { line: await gateway.request(id), body: text === '' ? undefined : JSON.parse(text) };
  };
  return { gateway, api, send };
}

const path = (rest: string): string => `/v2/prism/${teamId}/organization${rest}`;

/** The line without common members; those that differ from run to run are checked and removed. */
function fieldsOf(line: LogLine): object {
  const { time, duration_ms, admission_ms, wait_ms, database_ms, request_id, level, msg, ...rest } = line;
  expect(time).toMatch(/^\d{4}-\d\d-\d\dT.*Z$/);
  for (const ms of [duration_ms, admission_ms, wait_ms, database_ms]) expect(ms).toBeGreaterThanOrEqual(0);
  expect(Number(wait_ms) + Number(database_ms)).toBeLessThanOrEqual(Number(duration_ms) + 1);
  expect([level, msg, typeof request_id]).toEqual(['info', 'request', 'string']);
  return rest;
}

describe('the log line of a request', () => {
  it('contains the client, the route and the outcome', async () => {
    const { send } = await start();
    const caller = { team_id: teamId, client_id: clientId, client: 'billing' };

    const created = await send('POST', path(''), { default: { name: 'Acme' } });
    expect(fieldsOf(created.line)).toEqual({
      ...caller,
      ...{ method: 'POST', route: '/v2/prism/:team/:object', status: 201, items: { ok: 1 } },
    });
    const { id } = created.body;

    const read = await send('GET', path(`/${id}?select=name`));
    expect(fieldsOf(read.line)).toEqual({
      ...caller,
      ...{ method: 'GET', route: '/v2/prism/:team/:object/:id', status: 200 },
    });
    expect(read.line.database_ms).toBeGreaterThan(0);

    const missing = await send('PATCH', path(`/${randomUUID()}`), { default: { name: 'A' } });
    expect(fieldsOf(missing.line)).toEqual({
      ...caller,
      ...{ method: 'PATCH', route: '/v2/prism/:team/:object/:id', status: 404, items: { error: 1 } },
      failed: [{ index: 0, code: 'not_found' }],
    });

    const writes = [
      ['POST', '/:id/duplicate', 201],
      ['DELETE', '/:id', 204],
      ['POST', '/:id/restore', 200],
    ] as const;
    for (const [method, rest, status] of writes) {
      const written = await send(method, path(rest.replace(':id', id)));
      expect(fieldsOf(written.line)).toEqual({
        ...caller,
        ...{ method, route: `/v2/prism/:team/:object${rest}`, status, items: { ok: 1 } },
      });
    }

    const items = [{ id }, ...Array.from({ length: 6 }, () => ({ id: randomUUID() })), { id: 'bad' }, { id }];
    const partial = await send('POST', path('/batch/update'), { items }, { traceparent: PARENT });
    expect(fieldsOf(partial.line)).toEqual({
      ...caller,
      ...{ method: 'POST', route: UPDATE, status: 200, trace_id: '4bf92f3577b34da6a3ce929d0e0e4736' },
      items: { ok: 2, error: 7 },
      failed: [1, 2, 3, 4, 5].map((index) => ({ index, code: 'not_found' })),
    });

    const rejected = await send('POST', path('/batch/update'), { items: [] });
    expect(fieldsOf(rejected.line)).toEqual({
      ...caller,
      ...{ method: 'POST', route: UPDATE, status: 400, code: 'invalid_request' },
    });

    const nowhere = await send('PROPFIND', '/nowhere', undefined, { 'x-api-key': '', traceparent: `${PARENT}-more` });
    expect(fieldsOf(nowhere.line)).toEqual({ method: 'other', status: 404, code: 'not_found' });

    const otherTeam = await send('POST', path('/batch/update'), { items }, { 'x-api-key': `${apiKey}x` });
    expect(fieldsOf(otherTeam.line)).toEqual({ method: 'POST', route: UPDATE, status: 403, code: 'forbidden' });
  });

  it.each([
    ['Redis', undefined],
    ['the ledger', { replayed: 2 }],
  ])('shows what was replayed from %s, and what was resumed', { tags: ['redis-server'] }, async (from, items) => {
    const { send } = await start(from === 'Redis' ? {} : { REDIS_URL: '' });
    const { id } = (await send('POST', path(''), { default: { name: 'Acme' } })).body;
    const batch = { items: [{ id, default: { name: 'A' } }, { id: randomUUID() }] };
    const headers = { 'idempotency-key': randomUUID() };
    const first = (await send('POST', path('/batch/update'), batch, headers)).line;
    expect(first).toMatchObject({ items: { ok: 1, error: 1 } });
    const replayed = (await send('POST', path('/batch/update'), batch, headers)).line;
    expect(replayed).toMatchObject({ status: 200, replayed: true });
    expect(replayed.items).toEqual(items);
    expect(replayed.database_ms).toBeGreaterThan(0);

    await database.query('UPDATE idempotency_requests SET complete = false WHERE team_id = $1', [teamId]);
    await database.query(
      `INSERT INTO idempotency_progress (team_id, request_id, settled)
       SELECT team_id, id, '\\x01' FROM idempotency_requests WHERE team_id = $1`,
      [teamId],
    );
    await database.query(
      `UPDATE idempotency_outcomes SET entries = split_part(entries, E'\\n', 1) || E'\\n', codes = ',' WHERE team_id = $1`,
      [teamId],
    );
    const resumed = (await send('POST', path('/batch/update'), batch, headers)).line;
    expect(resumed).toMatchObject({ items: { replayed: 1, error: 1 }, failed: [{ index: 1, code: 'not_found' }] });
    expect(resumed).not.toHaveProperty('replayed');
  });

  describe('whose client disconnects', () => {
    /** Sends an update of a locked record. */
    async function sendRaw(api: string, requestId: string, id: string): Promise<RawSocket> {
      const body = JSON.stringify({ items: [{ id, default: { name: 'A' } }] });
      const headers = `host: x\r\nx-api-key: ${apiKey}\r\nx-request-id: ${requestId}\r\ncontent-type: application/json`;
      const socket = await RawSocket.open(api);
      await socket.send(
        `POST ${path('/batch/update')} HTTP/1.1\r\n${headers}\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
      );
      return socket;
    }

    it('has status 499, and the wait and the items of a queued request', async () => {
      const observer = await Session.open(own.url);
      onTestFinished(() => observer.close());
      const { gateway, api, send } = await start({ LOCK_TIMEOUT_MS: '20000', DATABASE_POOL_SIZE: '1' });
      const { admin } = await gateway.listening();
      const { id } = (await send('POST', path(''), { default: { name: 'Acme' } })).body;
      const inLine = async (): Promise<string> => await (await fetch(`${admin}/metrics`)).text();
      await database.transaction(async (client) => {
        await client.query('SELECT FROM records WHERE team_id = $1 AND id = $2 FOR UPDATE', [teamId, id]);
        const working = await sendRaw(api, 'working', id);
        await expect.poll(() => observer.lockWaiters()).toBe(1);
        const queued = await sendRaw(api, 'queued', id);
        await expect.poll(inLine).toContain('prism_admission_queue_length{stage="work"} 1');
        queued.destroy();
        const line = await gateway.request('queued');
        expect(line).toMatchObject({ client: 'billing', route: UPDATE, status: 499, items: { canceled: 1 } });
        expect(line.admission_ms).toBeGreaterThan(0);
        expect(Number(line.admission_ms)).toBeLessThanOrEqual(Number(line.duration_ms));
        working.destroy();
        expect(await gateway.request('working')).toMatchObject({ route: UPDATE, status: 499, admission_ms: 0 });
      });
      for (const id of ['working', 'queued']) {
        expect(gateway.lines.filter(({ request_id }) => request_id === id)).toHaveLength(1);
      }
    });
  });

  it.each([
    ['info', false],
    ['debug', true],
  ])('of a health probe has level debug: at %s', async (level, written) => {
    const { gateway, api } = await start({ LOG_LEVEL: level });
    await fetch(`${api}/health/live`, { headers: { 'x-request-id': 'probe' } });
    await fetch(`${api}/nowhere`, { headers: { 'x-request-id': 'other' } });
    await gateway.request('other');
    expect(gateway.lines.some((line) => line.request_id === 'probe')).toBe(written);
  });
});

describe('the log', () => {
  it('contains nothing that a client sends: no key, value or query', async () => {
    const { gateway, api, send } = await start({ LOG_LEVEL: 'trace' });
    const secret = (name: string): string => `secret-${name}-${randomUUID()}`;
    const value = { default: { name: secret('value'), [secret('property')]: 1 }, extended: { [secret('member')]: 1 } };
    const headers = { 'idempotency-key': secret('key'), authorization: secret('token'), cookie: secret('cookie') };
    const { id } = (await send('POST', path(''), { default: { name: secret('created') } }, headers)).body;
    const batch = { items: [{ id, default: { name: secret('patched') } }, { id, ...value }, { id: secret('id') }] };
    await send('POST', path('/batch/update'), batch, headers); // another request: a mismatch
    await send('POST', path('/batch/update'), batch, { ...headers, 'idempotency-key': secret('other-key') });
    await send('PATCH', path(`/${id}`), value);
    await send('GET', path(`/${id}?select=${secret('query')}`));
    await send('GET', path(`/${secret('path')}?${secret('query')}`), undefined, { 'if-match': secret('etag') });
    await send('GET', `/${secret('nowhere')}`, undefined, {
      'x-api-key': secret('api-key'),
      traceparent: secret('trace'),
    });
    for (const key of [headers['idempotency-key'], secret('unknown'), `%22${secret('malformed')}`]) {
      const { line } = await send('GET', `/v2/prism/${teamId}/receipts/${key}`);
      expect(line.route).toBe('/v2/prism/:team/receipts/:key');
    }
    await send('GET', `/v2/prism/${teamId}/receipts/%zz${secret('broken')}`);
    await send('DELETE', `/v2/prism/${teamId}/receipts/${secret('other-method')}`);
    await send('POST', path('/batch/update'), secret('body'));
    const raw = await RawSocket.open(api);
    await raw.send(`${secret('no-http')}\r\n\r\n`);
    await raw.response();
    raw.destroy();
    gateway.signal('SIGTERM');
    await gateway.exit();
    expect(gateway.lines.length).toBeGreaterThan(8);
    const output = gateway.stdout + gateway.stderr;
    expect(output).not.toMatch(/secret-/);
    expect(output).not.toContain(apiKey);
    expect(output).not.toContain(new URL(own.url).pathname);
  });

  it('is not flooded while Postgres is unavailable, and has a line for every request', async () => {
    const postgres = await PostgresServer.create();
    onTestFinished(() => postgres.remove());
    await postgres.stop('fast');
    const { gateway, api } = await start({ DATABASE_URL: postgres.url });
    const requests = 50;
    const send = (): Promise<Response> => fetch(api + path(`/${randomUUID()}`), { headers: { 'x-api-key': apiKey } });
    const responses = await Promise.all(Array.from({ length: requests }, send));
    expect(new Set(responses.map(({ status }) => status))).toEqual(new Set([503]));
    const lines = (): LogLine[] => gateway.lines.filter(({ msg }) => msg === 'request');
    await expect.poll(() => lines().length).toBe(requests);
    for (const line of lines()) expect(line).toMatchObject({ status: 503, code: 'unavailable' });
    const warnings = gateway.lines.filter(({ level, msg }) => level === 'warn' && msg.startsWith('request failed'));
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toMatchObject({ msg: 'request failed: unavailable', error: { code: 'ECONNREFUSED' } });
  });
});
