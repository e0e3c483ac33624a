import { describe, expect, it } from 'vitest';
import { startGateway } from '../support/gateway';
import { rawCall } from '../support/raw.socket';
import { useGateway } from '../support/gateway.hooks';

const PREFLIGHT = { origin: 'https://evil.example', 'access-control-request-method': 'POST' };

const api = useGateway();

/** Sends raw bytes: an HTTP client could hide or add headers of the response. */
async function headersOf(request: string, url: string = api.gateway.url): Promise<Record<string, string>> {
  return (await rawCall(url, request)).headers;
}

function get(path: string, headers: Record<string, string> = {}): string {
  const lines = Object.entries({ host: 'x', ...headers }).map(([name, value]) => `${name}: ${value}\r\n`);
  return `GET ${path} HTTP/1.1\r\n${lines.join('')}\r\n`;
}

describe('every response', () => {
  const responses: [string, () => string][] = [
    ['of a probe', () => get('/health/live')],
    [
      'with properties',
      () => get(api.caller.path('organization/properties'), { 'x-api-key': api.caller.credentials.apiKey }),
    ],
    ['with a receipt', () => get(api.caller.path('receipts/unknown'), { 'x-api-key': api.caller.credentials.apiKey })],
    ['without a key', () => get(api.caller.path('organization/properties'))],
    ['on an unknown route', () => get('/nowhere')],
    ['to another method', () => get('/health/live').replace('GET', 'POST')],
    ['to a broken path', () => get('/%zz')],
    ['to what is no HTTP', () => 'hello\r\n\r\n'],
    ['to too many bytes of headers', () => get('/', { a: 'x'.repeat(20_000) })],
  ];

  it.each(responses)('%s has headers with which browsers neither display, frame nor execute it', async (_, request) => {
    expect(await headersOf(request())).toMatchObject({
      'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
      'cross-origin-resource-policy': 'same-origin',
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
      'cache-control': 'no-store',
    });
  });

  it.each(responses)('%s names no software and allows no other origin', async (_, request) => {
    const names = Object.keys(await headersOf(request()));
    expect(names.filter((name) => /^(server|x-powered-by|via|access-control-.*)$/.test(name))).toEqual([]);
  });
});

describe('the page at /docs and its files', () => {
  it.each(['/docs', '/docs/init.js'])('forbid framing and content sniffing: %s', async (path) => {
    const { headers } = await fetch(api.gateway.url + path);
    expect(headers.get('content-security-policy')).toContain("frame-ancestors 'none'");
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('referrer-policy')).toBe('no-referrer');
  });
});

describe('CORS', () => {
  it.each(['organization/batch/update', 'organization/properties'])(
    'a preflight request gets no permission: %s',
    async (rest) => {
      for (const key of ['', api.caller.credentials.apiKey]) {
        const { status, headers } = await api.caller.call('OPTIONS', api.caller.path(rest), {
          headers: { ...PREFLIGHT, 'x-api-key': key },
        });
        expect(status).toBe(key === '' ? 401 : 405);
        expect(Object.keys(headers).filter((name) => name.startsWith('access-control-'))).toEqual([]);
      }
    },
  );

  it('a cross-origin request with a key gets a response that the browser must not expose', async () => {
    const { status, headers } = await api.caller.call('GET', api.caller.path('organization/properties'), {
      headers: { origin: PREFLIGHT.origin },
    });
    expect(status).toBe(200);
    expect(headers['access-control-allow-origin']).toBeUndefined();
  });
});

describe('strict-transport-security', () => {
  const overTls = get('/health/live', { 'x-forwarded-proto': 'https' });

  it('is sent if a trusted proxy forwarded a TLS request', async () => {
    const behind = await startGateway({
      databaseUrl: api.gateway.databaseUrl,
      settings: { TRUSTED_PROXIES: '127.0.0.0/8' },
    });
    try {
      expect((await headersOf(overTls, behind.url))['strict-transport-security']).toBe('max-age=31536000');
      expect((await headersOf(get('/health/live'), behind.url))['strict-transport-security']).toBeUndefined();
    } finally {
      await behind.close();
    }
  });

  it('is not sent if an untrusted client says that it used TLS', async () => {
    expect((await headersOf(overTls))['strict-transport-security']).toBeUndefined();
  });
});
