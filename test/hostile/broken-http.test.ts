import { describe, expect, it } from 'vitest';
import { type RawResponse, rawCall, RawSocket } from '../support/raw.socket';
import { useGateway } from '../support/gateway.hooks';

const api = useGateway();

const get = 'GET /health/live HTTP/1.1\r\nhost: gateway\r\n';

describe('invalid HTTP gets an error response with 400', () => {
  it.each([
    ['no HTTP at all', 'hello\r\n\r\n'],
    ['TLS', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03'],
    ['an unknown method', 'FETCH / HTTP/1.1\r\nhost: x\r\n\r\n'],
    ['another version', 'GET / HTTP/3.7\r\nhost: x\r\n\r\n'],
    ['a bare line feed in a header', `${get}a: b\nc: d\r\n\r\n`],
    ['a space in a header name', `${get}a b: c\r\n\r\n`],
    ['a NUL in a header', `${get}a: b\0c\r\n\r\n`],
    ['a folded header', `${get} folded: x\r\n\r\n`],
    ['two lengths', `POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n{}`],
    ['a length that is none', 'POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 0x1\r\n\r\n{'],
    ['a negative length', 'POST / HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n{'],
    [
      'length and chunks',
      'POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n',
    ],
    ['chunks and something else', 'POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked, x\r\n\r\n0\r\n\r\n'],
    ['no host', 'GET /health/live HTTP/1.1\r\n\r\n'],
    ['two hosts', 'GET /health/live HTTP/1.1\r\nhost: x\r\nhost: y\r\n\r\n'],
    ['a target that is no path', 'GET *health/live HTTP/1.1\r\nhost: x\r\n\r\n'],
    ['an absolute target without a host', 'GET http:///health/live HTTP/1.1\r\nhost: x\r\n\r\n'],
    ['a question about the server', 'OPTIONS * HTTP/1.1\r\nhost: x\r\n\r\n'],
  ])('%s', async (_, bytes) => {
    const { status, headers, body } = await rawCall(api.gateway.url, Buffer.from(bytes, 'latin1'));
    expect(status).toBe(400);
    expect(body).toMatchObject({ error: { code: 'invalid_request', request_id: headers['x-request-id'] } });
  });

  it.each([
    ['headers over 16 KiB', `${get}a: ${'x'.repeat(20_000)}\r\n\r\n`],
    ['a path over 16 KiB', `GET /${'x'.repeat(20_000)} HTTP/1.1\r\nhost: x\r\n\r\n`],
  ])('with status 431: %s', async (_, bytes) => {
    const { status, headers, body } = await rawCall(api.gateway.url, bytes);
    expect(status).toBe(431);
    expect(body).toMatchObject({ error: { code: 'invalid_request', request_id: headers['x-request-id'] } });
  });

  it('an invalid chunk', async () => {
    const head = `POST ${api.caller.path('organization/batch/update')} HTTP/1.1\r\nhost: x\r\nx-api-key: ${api.caller.credentials.apiKey}\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n`;
    const { status } = await rawCall(api.gateway.url, `${head}zz\r\n{}\r\n`);
    expect(status).toBe(400);
  });
});

it('a request never gets the response to the bytes that follow it', async () => {
  const socket = await RawSocket.open(api.gateway.url);
  const path = api.caller.path('organization/properties');
  await socket.send(
    `GET ${path} HTTP/1.1\r\nhost: x\r\nx-api-key: ${api.caller.credentials.apiKey}\r\n\r\nbroken\r\n\r\n`,
  );
  expect((await socket.response()).status).toBe(200);
  expect(await socket.end()).toBe('');
});

it('pipelined requests get responses in order', async () => {
  const socket = await RawSocket.open(api.gateway.url);
  await socket.send(`${get}x-request-id: a\r\n\r\n${get}x-request-id: b\r\n\r\n${get}x-request-id: c\r\n\r\n`);
  const ids = [await socket.response(), await socket.response(), await socket.response()].map(
    ({ headers }) => headers['x-request-id'],
  );
  socket.destroy();
  expect(ids).toEqual(['a', 'b', 'c']);
});

it('an absolute target is reduced to its path', async () => {
  const { status } = await rawCall(api.gateway.url, 'GET http://gateway/health/live HTTP/1.1\r\nhost: x\r\n\r\n');
  expect(status).toBe(200);
});

it('an absolute target does not bypass authentication', async () => {
  const path = `http://gateway/v2/prism/${api.caller.teamId}/properties`;
  const { status } = await rawCall(api.gateway.url, `GET ${path} HTTP/1.1\r\nhost: x\r\n\r\n`);
  expect(status).toBe(401);
});

it('a request with too many headers is rejected, not truncated', async () => {
  const responseTo = (count: number): Promise<RawResponse> =>
    rawCall(api.gateway.url, `${get}${'a: b\r\n'.repeat(count - 1)}\r\n`);
  expect((await responseTo(100)).status).toBe(200);
  for (const count of [101, 2_500]) {
    const { status, body } = await responseTo(count);
    expect(status).toBe(400);
    expect(body).toMatchObject({ error: { code: 'invalid_request', errors: [{ field: '.header' }] } });
  }
});

it.each([
  ['an unknown expectation', 'expect: the unexpected'],
  ['a wish for another protocol', 'connection: upgrade\r\nupgrade: h2c'],
  ['two thousand cookies', `cookie: ${'a=b; '.repeat(2_000)}`],
])('%s is ignored', async (_, header) => {
  expect((await rawCall(api.gateway.url, `${get}${header}\r\n\r\n`)).status).toBe(200);
});

it.each([
  ['twice', (key: string) => ({ 'x-api-key': [key, key] }), 403],
  ['with spaces inside', (key: string) => ({ 'x-api-key': key.replace('_', ' ') }), 403],
  ['in another header', (key: string) => ({ 'x-api-key': '', authorization: `Bearer ${key}` }), 401],
])('an API key %s is rejected', async (_, headers, status) => {
  const response = await api.caller.call('GET', api.caller.path('organization/properties'), {
    headers: headers(api.caller.credentials.apiKey),
  });
  expect(response.status).toBe(status);
});

it('a client that disconnects in the middle of its body affects no other request', async () => {
  const socket = await RawSocket.open(api.gateway.url);
  const head = `POST ${api.caller.path('organization/batch/update')} HTTP/1.1\r\nhost: x\r\nx-api-key: ${api.caller.credentials.apiKey}\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{"items`;
  await socket.send(head);
  socket.destroy();
  expect((await api.caller.call('GET', '/health/live')).status).toBe(200);
});
