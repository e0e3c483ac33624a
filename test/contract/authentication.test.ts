import { randomUUID } from 'node:crypto';
import { Instruments } from '#libs/telemetry';
import { request } from 'undici';
import { describe, expect, it, vi } from 'vitest';
import { createDatabase } from '../support/database';
import { startGateway } from '../support/gateway';
import { useGateway } from '../support/gateway.hooks';
import { TcpProxy } from '../support/tcp.proxy';

interface ReceivedResponse {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  text: string;
}

const api = useGateway();

/** Sends exactly these headers, with a fixed request id so that whole bodies can be compared. */
async function send(
  path: string,
  apiKey?: string | string[],
  options: { method?: string; headers?: Record<string, string>; body?: string | Buffer; url?: string } = {},
): Promise<ReceivedResponse> {
  const { method = 'GET', headers = {}, body, url = api.gateway.url } = options;
  const {
    statusCode,
    headers: responded,
    body: stream,
  } = await request(url + path, {
    // A method of undici's type, or one that no server implements.
    method: method as 'GET',
    headers: { 'x-request-id': 'fixed', ...(apiKey === undefined ? {} : { 'x-api-key': apiKey }), ...headers },
    ...(body === undefined ? {} : { body }),
  });
  return { status: statusCode, headers: responded, text: await stream.text() };
}

/** The path of a record, which need not exist: authentication comes first. */
function recordPath(team = api.caller.teamId): string {
  return `/v2/prism/${team}/organization/${randomUUID()}`;
}

function update(team = api.caller.teamId): string {
  return `/v2/prism/${team}/organization/batch/update`;
}

async function failures(reason: string): Promise<number> {
  const metric = await api.gateway.app.get(Instruments).registry.getSingleMetricAsString('prism_auth_failures_total');
  return Number(new RegExp(`\\{reason="${reason}"\\} (\\d+)`).exec(metric)?.[1]);
}

describe('401 unauthorized', () => {
  it.each([
    ['no key', undefined],
    ['an empty key', ''],
  ])('responds to %s with an error that says what to send', async (_, key) => {
    const before = await failures('missing');
    const { status, headers, text } = await send(recordPath(), key);

    expect(status).toBe(401);
    expect(headers['x-request-id']).toBe('fixed');
    expect(JSON.parse(text)).toEqual({
      error: { code: 'unauthorized', message: expect.stringContaining('x-api-key') as string, request_id: 'fixed' },
    });
    expect(await failures('missing')).toBe(before + 1);
  });

  it.each([
    ['an unknown route', 'GET', () => `/v2/prism/${api.caller.teamId}/organization/a/b/c/d`],
    ['an unknown object type', 'GET', () => `/v2/prism/${api.caller.teamId}/planet/${randomUUID()}`],
    ['a method the path does not have', 'DELETE', () => update()],
    ['a team that is no UUID', 'GET', () => '/v2/prism/acme/organization/x'],
    ['a very long team', 'GET', () => `/v2/prism/${'a'.repeat(5_000)}/organization/x`],
    ['the bare prefix', 'GET', () => '/v2/prism'],
    ['an encoded prefix', 'GET', () => `/v2/%70rism/${api.caller.teamId}/organization/x`],
    ['doubled slashes', 'GET', () => `/v2//prism//${api.caller.teamId}/organization/x`],
    ['broken percent-encoding', 'GET', () => '/v2/prism/%zz/organization/x'],
    ['a HEAD', 'HEAD', recordPath],
    ['an OPTIONS', 'OPTIONS', recordPath],
  ])('comes before %s', async (_, method, path) => {
    expect((await send(path(), undefined, { method })).status).toBe(401);
  });

  it.each([
    ['a body that is not JSON', { 'content-type': 'application/json' }, '{'],
    ['another content type', { 'content-type': 'text/xml' }, '<items/>'],
    ['a body over the limit', { 'content-type': 'application/json' }, Buffer.alloc(7 * 1024 * 1024, ' ')],
    ['a bad Idempotency-Key', { 'content-type': 'application/json', 'idempotency-key': 'é'.repeat(300) }, '{}'],
    ['a bad deadline', { 'content-type': 'application/json', 'x-request-timeout-ms': 'soon' }, '{}'],
  ])('comes before %s', async (_, headers, body) => {
    const sent = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, encodeURI(value)]));

    expect((await send(update(), undefined, { method: 'POST', headers: sent, body })).status).toBe(401);
  });
});

describe('403 forbidden', () => {
  const body = '{"error":{"code":"forbidden","message":';

  async function rejected(path: string, key: string | string[], reason: string, method = 'GET'): Promise<string> {
    const before = await failures(reason);
    const { status, text } = await send(path, key, {
      method,
      ...(method === 'POST' && { headers: { 'content-type': 'application/json' }, body: '{"items":[{}]}' }),
    });
    expect(status).toBe(403);
    expect(await failures(reason)).toBe(before + 1);
    return text;
  }

  it('has the same body for every reason', async () => {
    const { access, database } = api.gateway;
    const { teamId } = api.caller;
    const key = api.caller.credentials.apiKey;
    const otherTeam = await api.gateway.newCaller();
    const forgotten = await api.gateway.newCaller();
    await database.query('DELETE FROM api_keys WHERE key_id = $1', [forgotten.credentials.keyId]);
    const revoked = await access.createKey(teamId, 'billing', ['records:read']);
    await access.revokeKey(teamId, revoked.keyId);
    const expired = await access.createKey(teamId, 'billing', ['records:read'], new Date(Date.now() - 1_000));
    const reader = await access.createKey(teamId, 'billing', ['records:read', 'schema:write']);
    const writer = await access.createKey(teamId, 'billing', ['records:write']);

    const bodies = [
      await rejected(recordPath(), 'nonsense', 'malformed'),
      await rejected(recordPath(), `${key.slice(0, -1)}${key.endsWith('a') ? 'b' : 'a'}`, 'malformed'),
      await rejected(recordPath(), [key, key], 'malformed'),
      await rejected(recordPath(), `${key},${key}`, 'malformed'),
      await rejected(recordPath(), forgotten.credentials.apiKey, 'unknown'),
      await rejected(recordPath(), revoked.apiKey, 'revoked'),
      await rejected(recordPath(), expired.apiKey, 'expired'),
      await rejected(recordPath(), otherTeam.credentials.apiKey, 'team'),
      await rejected(update(), otherTeam.credentials.apiKey, 'team', 'POST'),
      await rejected(recordPath('acme'), key, 'team'),
      await rejected(recordPath('%7Bacme%7D'), key, 'team'),
      await rejected(recordPath(`${teamId}%00`), key, 'team'),
      await rejected('/v2/prism', key, 'team'),
      await rejected(`/v2/prism/${randomUUID()}/organization/a/b/c/d`, key, 'team'),
      await rejected(update(), reader.apiKey, 'scope', 'POST'),
      await rejected(recordPath(), writer.apiKey, 'scope'),
    ];

    expect(new Set(bodies).size).toBe(1);
    expect(bodies[0]?.startsWith(body)).toBe(true);
  });

  it('is not the response to a team id in upper case', async () => {
    expect((await send(recordPath(api.caller.teamId.toUpperCase()), api.caller.credentials.apiKey)).status).toBe(404);
  });

  it('is documented for a client without the scope', async () => {
    const reader = await api.gateway.newCaller({ scopes: ['records:read'] });

    expect((await reader.update([{ id: randomUUID() }])).status).toBe(403);
  });

  it('neither changes a record nor claims an Idempotency-Key', async () => {
    const id = await api.caller.create({ default: { name: 'Untouched' } });
    const reader = await api.gateway.access.createKey(api.caller.teamId, 'billing', ['records:read']);
    const headers = { 'content-type': 'application/json', 'idempotency-key': randomUUID() };
    const attempt = {
      method: 'POST',
      headers,
      body: JSON.stringify({ items: [{ id, default: { name: 'Touched' } }] }),
    };

    expect((await send(update(), reader.apiKey, attempt)).status).toBe(403);
    expect((await api.caller.read(id)).version).toBe(1);
    // It did not claim the Idempotency-Key: the same request is executed once it is authorized.
    const { status, headers: responded } = await send(update(), api.caller.credentials.apiKey, attempt);
    expect([status, responded['idempotent-replay']]).toEqual([200, undefined]);
    expect((await api.caller.read(id)).version).toBe(2);
  });
});

describe('an API key', () => {
  it("works beside its successor after a rotation, and each replays the other's requests", async () => {
    const { access } = api.gateway;
    const id = await api.caller.create();
    const old = await access.createKey(api.caller.teamId, 'rotating', ['records:write']);
    const fresh = await access.rotateKey(api.caller.teamId, old.keyId);
    const attempt = {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'idempotency-key': randomUUID() },
      body: JSON.stringify({ items: [{ id, default: { name: 'Once' } }] }),
    };

    const first = await send(update(), old.apiKey, attempt);
    const second = await send(update(), fresh.apiKey, attempt);
    expect([first.status, second.status]).toEqual([200, 200]);
    expect(second.headers['idempotent-replay']).toBe('true');
    expect(second.text).toBe(first.text);
    expect((await api.caller.read(id)).version).toBe(2);

    // A replay is authorized like any request.
    await access.revokeKey(api.caller.teamId, old.keyId);
    await vi.waitFor(
      async () => {
        expect((await send(update(), old.apiKey, attempt)).status).toBe(403);
      },
      { timeout: 5_000, interval: 50 },
    );
    expect((await send(update(), fresh.apiKey, attempt)).status).toBe(200);
  });

  it('works immediately after its creation, on every gateway', async () => {
    const other = await startGateway({ databaseUrl: api.gateway.databaseUrl });
    try {
      const { apiKey } = await api.gateway.access.createKey(api.caller.teamId, 'new', ['records:read']);
      for (const url of [api.gateway.url, other.url])
        expect((await send(recordPath(), apiKey, { url })).status).toBe(404);
    } finally {
      await other.close();
    }
  });
});

describe('without the database', () => {
  it('a cached key still works, and any other key gets 503', async () => {
    const database = await createDatabase();
    const proxy = await TcpProxy.before(database.url);
    const behind = await startGateway({ databaseUrl: proxy.through(database.url) });
    try {
      const used = (await behind.newCaller()).credentials;
      const unused = (await behind.newCaller()).credentials;
      const nowhere = (team: string) => `/v2/prism/${team}/organization/a/b/c/d`;
      expect((await send(nowhere(used.teamId), used.apiKey, { url: behind.url })).status).toBe(404);
      proxy.cut();

      expect((await send(nowhere(used.teamId), used.apiKey, { url: behind.url })).status).toBe(404);
      const { status, headers, text } = await send(nowhere(unused.teamId), unused.apiKey, { url: behind.url });
      expect(status).toBe(503);
      expect(Number(headers['retry-after'])).toBeGreaterThanOrEqual(1);
      expect(text).toContain('"code":"unavailable"');
      expect((await send(nowhere(unused.teamId), 'nonsense', { url: behind.url })).status).toBe(403);
    } finally {
      await behind.close();
      proxy.close();
      await database.drop();
    }
  });
});
