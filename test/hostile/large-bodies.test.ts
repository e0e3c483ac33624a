import { describe, expect, it } from 'vitest';
import { RawSocket } from '../support/raw.socket';
import { useGateway } from '../support/gateway.hooks';

const SEVEN_MEGABYTES = 7_000_000;

const api = useGateway();

function head(headers: Record<string, string>): string {
  const lines = Object.entries({ host: 'gateway', 'content-type': 'application/json', ...headers });
  const start = `POST ${api.caller.path('organization/batch/update')} HTTP/1.1`;
  return [start, ...lines.map(([name, value]) => `${name}: ${value}`), '', ''].join('\r\n');
}

/** Sends the whole body before it reads, like simple clients: a reset during the body would lose the response. */
async function upload(headers: Record<string, string>, body: (socket: RawSocket) => Promise<void>): Promise<unknown[]> {
  const socket = await RawSocket.open(api.gateway.url);
  socket.stopReading();
  await socket.send(head(headers));
  await body(socket);
  const responses = [await socket.response()];
  if (headers.connection !== 'close') {
    await socket.send('GET /health/live HTTP/1.1\r\nhost: gateway\r\n\r\n');
    responses.push(await socket.response());
  } else {
    await socket.end();
  }
  socket.destroy();
  return responses.map(({ status }) => status);
}

const announced = async (socket: RawSocket): Promise<void> => {
  await socket.send(Buffer.alloc(SEVEN_MEGABYTES, ' '));
};

const chunked = async (socket: RawSocket): Promise<void> => {
  for (let sent = 0; sent < SEVEN_MEGABYTES; sent += 1_000_000) {
    await socket.send(Buffer.concat([Buffer.from('f4240\r\n'), Buffer.alloc(1_000_000, ' '), Buffer.from('\r\n')]));
  }
  await socket.send('0\r\n\r\n');
};

const LENGTH = { 'content-length': String(SEVEN_MEGABYTES) };
const CHUNKED = { 'transfer-encoding': 'chunked' };

describe('a body of seven megabytes', () => {
  it.each([
    ['announced', LENGTH, announced],
    ['in chunks', CHUNKED, chunked],
  ])('%s gets 413, and the connection stays open', async (_, headers, body) => {
    expect(await upload({ 'x-api-key': api.caller.credentials.apiKey, ...headers }, body)).toEqual([413, 200]);
  });

  it.each([
    ['announced', LENGTH, announced],
    ['in chunks', CHUNKED, chunked],
  ])('%s gets 413, and the connection is closed if the client asks for it', async (_, headers, body) => {
    const all = { 'x-api-key': api.caller.credentials.apiKey, connection: 'close', ...headers };
    expect(await upload(all, body)).toEqual([413]);
  });

  it('without a key gets 401', async () => {
    expect(await upload(LENGTH, announced)).toEqual([401, 200]);
    expect(await upload({ connection: 'close', ...CHUNKED }, chunked)).toEqual([401]);
  });

  it('of another type gets 415', async () => {
    const headers = { 'x-api-key': api.caller.credentials.apiKey, ...LENGTH, 'content-type': 'text/plain' };
    expect(await upload(headers, announced)).toEqual([415, 200]);
  });

  it('need not be sent by a client with expect: 100-continue', async () => {
    const socket = await RawSocket.open(api.gateway.url);
    await socket.send(head({ 'x-api-key': api.caller.credentials.apiKey, ...LENGTH, expect: '100-continue' }));
    expect((await socket.response()).status).toBe(413);
    socket.destroy();
  });
});

it('a client with expect: 100-continue gets 100 if its body will be read', async () => {
  const socket = await RawSocket.open(api.gateway.url);
  const headers = { 'x-api-key': api.caller.credentials.apiKey, 'content-length': '2', expect: '100-continue' };
  await socket.send(head(headers));
  expect((await socket.response()).status).toBe(100);
  await socket.send('{}');
  expect((await socket.response()).status).toBe(400);
  socket.destroy();
});

it('an array 5,000 levels deep gets 400', async () => {
  const deep = `${'['.repeat(5_000)}${']'.repeat(5_000)}`;
  const { status, body } = await api.caller.call('POST', api.caller.path('organization/batch/update'), {
    body: `{"items":[{"id":"182bd5e5-6e1a-4fe4-a799-aa6d9a6ab26e","extended":{"a":${deep}}}]}`,
  });
  expect([status, body.error.code]).toEqual([400, 'invalid_json']);
});
