import fastify, { type FastifyInstance } from 'fastify';
import { type ApiKeyService, type AuthMetrics, type Principal, ThrottledError } from '#libs/auth';
import { errorResponse, toRequestError } from '#libs/errors';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { isPrismRoute, registerAuthentication, teamOfPrismPath } from './authentication.hook';

const TEAM = '0197b1a2-7c3d-7e4f-8a5b-6c7d8e9fa0b1';
const OTHER_TEAM = '0197b1a2-7c3d-7e4f-8a5b-6c7d8e9fa0b9';
const PRINCIPAL: Principal = {
  keyId: 'abcdefghijkl',
  clientId: '0197b1a2-7c3d-7e4f-8a5b-6c7d8e9fa0b2',
  clientName: 'billing',
  teamId: TEAM,
  scopes: new Set(['records:read']),
  limits: {},
};

function addContext(app: FastifyInstance): void {
  app.addHook('onRequest', (request, _reply, done) => {
    Object.assign(request, { requestContext: {} }); // the hook only sets the principal
    done();
  });
}

describe('authentication', () => {
  let app: FastifyInstance;
  const countAuthFailure = vi.fn();

  beforeEach(() => {
    countAuthFailure.mockClear();
    app = fastify({ genReqId: () => 'request-1' });
    addContext(app);
    const authenticate = (key: string) =>
      Promise.resolve(key === 'good' ? PRINCIPAL : key === 'old' ? 'revoked' : 'malformed');
    // The hook uses no other methods of them.
    registerAuthentication(
      app,
      { authenticate } as Partial<ApiKeyService> as ApiKeyService,
      { countAuthFailure } as Partial<AuthMetrics> as AuthMetrics,
    );
    app.setErrorHandler((error, request, reply) => {
      const { status, headers, body } = errorResponse(toRequestError(error), request.id);
      return reply.code(status).headers(headers).send(body);
    });
    app.get(
      '/v2/prism/:team/:object',
      { config: { scope: 'records:read' } },
      (request) => request.requestContext.principal?.clientName,
    );
    app.post('/v2/prism/:team/:object', { config: { scope: 'records:write' } }, () => 'written');
    app.get('/open', () => 'open');
  });
  afterEach(() => app.close());

  async function send(method: 'GET' | 'POST' | 'HEAD', url: string, key?: string | string[]) {
    const response = await app.inject({ method, url, headers: key === undefined ? {} : { 'x-api-key': key } });
    return response;
  }

  it('accepts a key with the scope for its team, with the id in any case', async () => {
    for (const team of [TEAM, TEAM.toUpperCase()]) {
      const response = await send('GET', `/v2/prism/${team}/contact`, 'good');
      expect([response.statusCode, response.body]).toEqual([200, 'billing']);
    }
    expect((await send('HEAD', `/v2/prism/${TEAM}/contact`, 'good')).statusCode).toBe(200);
    expect(countAuthFailure).not.toHaveBeenCalled();
  });

  it.each([
    ['a missing key', 'GET', `/v2/prism/${TEAM}/contact`, undefined],
    ['an empty key', 'GET', `/v2/prism/${TEAM}/contact`, ''],
    ['a path that no route matches', 'GET', `/v2/prism/${TEAM}/contact/a/b/c/d`, undefined],
    ['a method that the path does not have', 'POST', `/v2/prism/${TEAM}`, undefined],
    ['a team that is not a UUID', 'GET', '/v2/prism/x/contact', undefined],
    ['nothing after the prefix', 'GET', '/v2/prism', undefined],
    ['an encoded prefix', 'GET', `/v2/%70rism/${TEAM}/contact`, undefined],
    ['doubled slashes', 'GET', `//v2//prism/${TEAM}/contact`, undefined],
    ['a HEAD', 'HEAD', `/v2/prism/${TEAM}/contact`, undefined],
  ] as const)('responds with 401 to %s', async (_, method, url, key) => {
    const response = await send(method, url, key);

    expect(response.statusCode).toBe(401);
    expect(countAuthFailure).toHaveBeenCalledExactlyOnceWith('missing');
  });

  it.each([
    ['a malformed key', 'GET', `/v2/prism/${TEAM}/contact`, 'nonsense', 'malformed'],
    ['a revoked key', 'GET', `/v2/prism/${TEAM}/contact`, 'old', 'revoked'],
    ['two keys', 'GET', `/v2/prism/${TEAM}/contact`, ['good', 'good'], 'malformed'],
    ['an empty key beside a good one', 'GET', `/v2/prism/${TEAM}/contact`, ['', 'good'], 'malformed'],
    ['another team', 'GET', `/v2/prism/${OTHER_TEAM}/contact`, 'good', 'team'],
    ['a team that is not a UUID', 'GET', '/v2/prism/x/contact', 'good', 'team'],
    ['an empty team', 'GET', '/v2/prism//contact', 'good', 'team'],
    ['no team', 'GET', '/v2/prism', 'good', 'team'],
    ['a key without the scope', 'POST', `/v2/prism/${TEAM}/contact`, 'good', 'scope'],
    ['a path of another team that no route matches', 'GET', `/v2/prism/${OTHER_TEAM}/a/b/c/d`, 'good', 'team'],
  ] as const)('responds with the same 403 to %s', async (_, method, url, key, reason) => {
    const response = await send(method, url, typeof key === 'string' ? key : [...key]);

    expect(response.statusCode).toBe(403);
    expect(response.json()).toEqual({
      error: { code: 'forbidden', message: expect.any(String) as string, request_id: 'request-1' },
    });
    expect(response.body).toBe((await send('GET', `/v2/prism/${TEAM}/contact`, 'nonsense')).body);
    expect(countAuthFailure).toHaveBeenNthCalledWith(1, reason);
  });

  it.each([
    ['after 2 s and a random part if the client connects directly', '192.0.2.1', 4_000],
    ['at once if the client is behind a proxy', '192.0.2.9', 0],
  ])('rejects too many invalid keys %s', async (_, remoteAddress, delayMs) => {
    vi.useFakeTimers({ toFake: ['setTimeout'] });
    const random = vi.spyOn(Math, 'random').mockReturnValue(0.5);
    const proxied = fastify({ trustProxy: '192.0.2.9' });
    addContext(proxied);
    const authenticate = (): Promise<never> => Promise.reject(new ThrottledError('rate_limited'));
    registerAuthentication(
      proxied,
      { authenticate } as Partial<ApiKeyService> as ApiKeyService,
      { countAuthFailure } as Partial<AuthMetrics> as AuthMetrics,
    );
    const headers = { 'x-api-key': 'bad', 'x-forwarded-for': '198.51.100.7' };
    const settled = vi.fn();
    const response = proxied.inject({ url: `/v2/prism/${TEAM}/x`, headers, remoteAddress }).then(settled);
    await expect.poll(() => vi.getTimerCount() > 0 || settled.mock.calls.length > 0).toBe(true);
    expect(settled).toHaveBeenCalledTimes(delayMs === 0 ? 1 : 0);
    await vi.advanceTimersByTimeAsync(delayMs / 2);
    expect(settled).toHaveBeenCalledTimes(delayMs === 0 ? 1 : 0);
    await vi.advanceTimersByTimeAsync(delayMs);
    await expect.poll(() => settled.mock.calls.length).toBe(1);
    await response;
    random.mockRestore();
    vi.useRealTimers();
    await proxied.close();
  });

  it('delays at most 256 responses at once, and sends further ones without a delay', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout'] });
    const throttled = fastify();
    addContext(throttled);
    const authenticate = (): Promise<never> => Promise.reject(new ThrottledError('rate_limited'));
    registerAuthentication(
      throttled,
      { authenticate } as Partial<ApiKeyService> as ApiKeyService,
      { countAuthFailure } as Partial<AuthMetrics> as AuthMetrics,
    );
    const request = { url: `/v2/prism/${TEAM}/x`, headers: { 'x-api-key': 'bad' } };
    const settled = vi.fn();
    const responses = Array.from({ length: 300 }, () => throttled.inject(request).then(settled));
    await expect.poll(() => settled.mock.calls.length).toBe(300 - 256);
    await vi.advanceTimersByTimeAsync(4_000);
    await Promise.all(responses);
    vi.useRealTimers();
    await throttled.close();
  });

  it('authenticates before the body is read', async () => {
    const broken = {
      method: 'POST',
      url: `/v2/prism/${TEAM}/contact`,
      payload: '{',
      headers: { 'content-type': 'x/y' },
    } as const;

    expect((await app.inject(broken)).statusCode).toBe(401);
  });

  it('leaves 404 to the router if the key and the team are valid', async () => {
    expect((await send('GET', `/v2/prism/${TEAM}/a/b/c/d`, 'good')).statusCode).toBe(404);
  });

  it('requires no key for other paths', async () => {
    expect((await send('GET', '/open')).body).toBe('open');
    expect((await send('GET', '/nowhere')).statusCode).toBe(404);
  });

  it('rejects a route without a scope or a team at startup', () => {
    for (const url of ['/v2/prism/:team/open', '/v2/prism', '/:version/prism/x', '/v2/:api/:team']) {
      expect(() => app.get(url, () => 'open')).toThrow(/declares no scope/);
    }
    expect(() => app.get('/elsewhere', { config: { scope: 'records:read' } }, () => 'x')).toThrow(/no team/);
  });
});

describe('teamOfPrismPath', () => {
  it.each([
    ['/v2/prism/t/contact', 't'],
    ['/v2/prism/t?x=/y', 't'],
    ['/v2/prism/t#x', 't'],
    ['/v2/prism', ''],
    ['/v2/prism/', ''],
    ['/v2/prism?x', ''],
    ['//v2//prism//t', 't'],
    ['/v2/%70rism/%74', 't'],
    ['/v2%2Fprism%2ft', 't'],
    ['/V2/Prism/T', 'T'],
    ['/v2/prism/%zz/contact', '%zz'],
    ['/%762/prism/%ff', '%ff'],
    ['http://host:80/v2/prism/t', 't'],
    ['HTTPS://host/v2/prism/t', 't'],
  ])('returns the team of %s: %j', (target, team) => {
    expect(teamOfPrismPath(target)).toBe(team);
  });

  it.each([
    '/',
    '',
    '*',
    '/health/live',
    '/v2',
    '/v2/prismatic/t',
    '/v1/prism/t',
    '/x/v2/prism/t',
    '/docs?u=/v2/prism/t',
  ])('returns undefined for %s', (target) => {
    expect(teamOfPrismPath(target)).toBeUndefined();
  });
});

describe('isPrismRoute', () => {
  it.each(['/v2/prism', '/v2/prism/:team/x', '/:version/prism/x', '/v2/:api/x', '/V2/prism/:team'])(
    'is true for %s',
    (url) => {
      expect(isPrismRoute(url)).toBe(true);
    },
  );

  it.each(['/', '*', '/*', '/docs', '/v2', '/v2/other', '/health/:kind'])('is false for %s', (url) => {
    expect(isPrismRoute(url)).toBe(false);
  });
});
