import { once } from 'node:events';
import { createServer, IncomingMessage, type Server, ServerResponse } from 'node:http';
import { type AddressInfo, connect, Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Connections } from './connections';

let server: Server;
let connections: Connections;
let client: Socket;
let received: string;
/** Responses that the handler has not sent yet. */
let open: ServerResponse[];
let handled: number;

beforeEach(async () => {
  open = [];
  handled = 0;
  received = '';
  server = createServer((_request, response) => {
    handled += 1;
    open.push(response);
  });
  connections = new Connections(server, 200);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  client = connect((server.address() as AddressInfo).port, '127.0.0.1'); // it listens on a port
  client.on('data', (chunk: Buffer) => (received += chunk.toString('latin1')));
  client.on('error', () => undefined);
});

afterEach(async () => {
  client.destroy();
  await connections.stopListening();
  await connections.end(0, 0);
});

const requests = (count: number): string =>
  Array.from({ length: count }, (_, n) => `GET /${n} HTTP/1.1\r\nhost: x\r\n\r\n`).join('');

function respond(response: ServerResponse | undefined): void {
  response?.end(response.req.url);
}

const bodies = (): string[] => [...received.matchAll(/\r\n\r\n(\/\d+)/g)].map(([, body = '']) => body);

describe('requests of one connection', () => {
  it('are not parsed any more when there are too many', async () => {
    let parsed = 0;
    server.on('request', () => (parsed += 1));
    client.write(requests(1_500));
    await once(client, 'close');
    expect(parsed).toBe(16 + 128 + 1);

    // Node uses the parser again, for another connection.
    const other = connect((server.address() as AddressInfo).port, '127.0.0.1'); // it listens on a port
    other.write(requests(2));
    await expect.poll(() => parsed).toBe(16 + 128 + 1 + 2);
    other.destroy();
  });

  it('are handled 16 at a time, in order, however many are sent', async () => {
    client.write(requests(140));
    await expect.poll(() => handled).toBe(16);
    expect(open.map(({ req }) => req.url)).toEqual(Array.from({ length: 16 }, (_, n) => `/${n}`));
    let most = 0;
    while (bodies().length < 140) {
      most = Math.max(most, open.length);
      respond(open.shift());
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(most).toBe(16);
    expect(bodies()).toEqual(Array.from({ length: 140 }, (_, n) => `/${n}`));
  });

  it('are not read while some of them wait', async () => {
    client.write(requests(20));
    await expect.poll(() => handled).toBe(16);
    const [socket] = open.map(({ req }) => req.socket);
    const before = socket?.bytesRead;
    client.write(requests(1));
    // A later connection gets its response; by then the first one's bytes would have been read as well.
    const second = connect((server.address() as AddressInfo).port, '127.0.0.1'); // see above
    second.write('GET /second HTTP/1.1\r\nhost: x\r\n\r\n');
    await expect.poll(() => handled).toBe(17);
    expect(socket?.bytesRead).toBe(before);
    second.destroy();
    for (let n = 0; n < 22; n += 1) {
      await expect.poll(() => open.length).toBeGreaterThan(0);
      respond(open.shift());
    }
    await expect.poll(() => bodies().at(-1)).toBe('/0');
  });

  it('are dropped with their connection, and the response of each that is in progress emits close', async () => {
    client.write(requests(30));
    await expect.poll(() => handled).toBe(16);
    const closed = Promise.all(open.map((response) => once(response, 'close')));
    // The socket is not read, so the end is seen when a response is written.
    client.resetAndDestroy();
    while (open.length > 0) {
      respond(open.shift());
      await new Promise((resolve) => setImmediate(resolve));
    }
    await closed;
    expect(handled).toBe(16);
  });

  it('are not handled after one whose response closes the connection', async () => {
    client.write(requests(30));
    await expect.poll(() => handled).toBe(16);
    open[0]?.setHeader('connection', 'close');
    for (const response of open) respond(response);
    await once(client, 'close');
    expect([handled, bodies()]).toEqual([16, ['/0']]);
  });

  it('close the connection if more than 144 are pending', async () => {
    const reasons: string[] = [];
    connections.onCut = (reason) => reasons.push(reason);
    client.write(requests(1_000));
    await once(client, 'close');
    expect([handled, reasons]).toEqual([16, ['pipelining']]);
  });

  it('that wait are at most 4,096 over all connections: beyond, the connection with the most is closed', async () => {
    const reasons: string[] = [];
    connections.onCut = (reason) => reasons.push(reason);
    const { port } = server.address() as AddressInfo; // it listens on a port
    client.write(requests(140)); // 124 of them wait
    await expect.poll(() => handled).toBe(16);
    const others = Array.from({ length: 40 }, () => connect(port, '127.0.0.1'));
    for (const socket of others) socket.on('error', () => undefined).write(requests(116)); // 100 of them wait
    await once(client, 'close');
    await expect.poll(() => handled).toBe(16 * 41);
    expect(reasons).toEqual(['pipelining']);
    for (const socket of others) socket.destroy();
  });
});

it('requests of one API key do not delay those of another by more than a turn', async () => {
  const { port } = server.address() as AddressInfo; // it listens on a port
  const flood = Array.from({ length: 100 }, () => connect(port, '127.0.0.1'));
  await Promise.all(flood.map((socket) => once(socket, 'connect')));
  const order: string[] = [];
  server.removeAllListeners('request');
  server.on('request', ({ headers }) => {
    order.push(String(headers['x-api-key']));
  });
  const counted = new Connections(server, 200);
  // In one turn of the event loop, as if all of them had arrived in it.
  for (const apiKey of [...flood.map(() => 'flood'), 'other']) {
    const request = new IncomingMessage(apiKey === 'other' ? client : (flood.pop() ?? client));
    request.headers['x-api-key'] = apiKey;
    server.emit('connection', request.socket);
    server.emit('request', request, new ServerResponse(request));
  }
  expect(order).toEqual(Array(32).fill('flood'));
  await expect.poll(() => order.length).toBe(101);
  expect(order.indexOf('other')).toBe(33);
  await counted.end(0, 0);
});

it('connections beyond the maximum are closed and counted', async () => {
  const { port } = server.address() as AddressInfo; // it listens on a port
  const reasons: string[] = [];
  connections.onCut = (reason) => reasons.push(reason);
  client.write(requests(1));
  await expect.poll(() => handled).toBe(1);
  server.maxConnections = 1;
  const further = connect(port, '127.0.0.1').on('error', () => undefined);
  await once(further, 'close');
  expect(reasons).toEqual(['too_many']);
  respond(open.shift());
  await expect.poll(bodies).toEqual(['/0']);
});

it('a request that waits for its turn is not started after a response has closed its connection', async () => {
  const started: (string | undefined)[] = [];
  server.removeAllListeners('request');
  server.on('request', ({ url }) => {
    started.push(url);
  });
  const counted = new Connections(server, 200);
  const receive = (url: string): void => {
    const request = new IncomingMessage(client);
    request.url = url;
    server.emit('request', request, new ServerResponse(request));
  };
  server.emit('connection', client);
  receive('/first');
  const others = Array.from({ length: 31 }, () => new Socket());
  for (const socket of others) {
    server.emit('connection', socket);
    const request = new IncomingMessage(socket);
    request.url = '/other';
    // Only a socket that can be written to starts a request.
    Object.defineProperty(socket, 'writable', { value: true });
    server.emit('request', request, new ServerResponse(request));
  }
  receive('/second');
  client.end();
  await new Promise((resolve) => setImmediate(resolve));
  await new Promise((resolve) => setImmediate(resolve));
  expect(started).toEqual(['/first', ...others.map(() => '/other')]);
  for (const socket of others) socket.destroy();
  await counted.end(0, 0);
});

it('a handler that throws closes its connection and no other', async () => {
  const errors: unknown[] = [];
  connections.onFailed = (error) => errors.push(error);
  server.removeAllListeners('request');
  const failing = new Error('a failure');
  server.on('request', () => {
    throw failing;
  });
  const guarded = new Connections(server, 200);
  guarded.onFailed = connections.onFailed;
  client.write(requests(1));
  await once(client, 'close');
  expect(errors).toEqual([failing]);
});

describe('at the end', () => {
  const address = (): [number, string] => [(server.address() as AddressInfo).port, '127.0.0.1']; // it listens on a port
  const HOUR_MS = 3_600_000;

  it('connections that are established but not accepted yet are served', async () => {
    await once(server, 'connection');
    // The kernel establishes them at once. None is accepted in this turn of the event loop.
    const sockets = Array.from({ length: 50 }, () => connect(...address()));
    const ended = sockets.map((socket) => once(socket.resume(), 'end'));
    for (const socket of sockets) socket.write(requests(1));
    await connections.stopListening();
    expect(server.listening).toBe(false);
    await expect.poll(() => handled).toBe(50);
    client.destroy();
    const closed = connections.end(HOUR_MS, HOUR_MS);
    for (const response of open) response.setHeader('connection', 'close').end();
    await Promise.all([closed, ...ended]);
  });

  it('an idle connection is closed after the grace period, and another one after its response', async () => {
    client.write(requests(1));
    await expect.poll(() => handled).toBe(1);
    const idle = connect(...address());
    await once(server, 'connection');
    await connections.stopListening();
    const ended = once(idle.resume(), 'end');
    const closed = connections.end(20, HOUR_MS);
    await ended;
    expect(client.readyState).toBe('open');
    respond(open[0]);
    await Promise.all([closed, once(client, 'end')]);
    expect(bodies()).toEqual(['/0']);
  });
});

describe('a connection whose responses are not read', () => {
  it('is closed when nothing moves for 15 s, and not before', async () => {
    const reasons: string[] = [];
    connections.onCut = (reason) => reasons.push(reason);
    client.pause();
    client.write(requests(1));
    await expect.poll(() => handled).toBe(1);
    open[0]?.end(Buffer.alloc(50_000_000));
    const socket = open[0]?.req.socket;
    await expect.poll(() => socket?.writableLength).toBeGreaterThan(0);
    connections.cutUnread(1_000);
    connections.cutUnread(15_999);
    expect(reasons).toEqual([]);
    connections.cutUnread(16_000);
    expect([reasons, socket?.destroyed]).toEqual([['unread'], true]);
  });

  it('stays open as long as something is read', async () => {
    const reasons: string[] = [];
    connections.onCut = (reason) => reasons.push(reason);
    client.pause();
    client.write(requests(1));
    await expect.poll(() => handled).toBe(1);
    open[0]?.end(Buffer.alloc(50_000_000));
    let now = 0;
    connections.cutUnread(now);
    // Far slower than the kernel's buffers hide: 10 s for what they hold, 40 s in all.
    client.on('data', () => {
      now += 100;
      connections.cutUnread(now);
      if (now === 40_000) client.pause();
    });
    client.resume();
    await expect.poll(() => now, { timeout: 5_000 }).toBeGreaterThanOrEqual(40_000);
    expect(reasons).toEqual([]);
  });
});
