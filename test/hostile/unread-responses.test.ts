import { once } from 'node:events';
import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Instruments } from '#libs/telemetry';
import { Connections, UNREAD_MS } from '../../apps/gateway/http/connections';
import type { ApiClient } from '../support/api.client';
import { startGateway, type TestGateway } from '../support/gateway';
import { RawSocket } from '../support/raw.socket';

const RESPONSE_BYTES = 200_000;
const IN_FLIGHT_BYTES = 2_000_000;

let gateway: TestGateway;
let caller: ApiClient;
let other: ApiClient;
let server: Server;
let id: string;

beforeAll(async () => {
  gateway = await startGateway({ settings: { MAX_RESPONSE_BYTES_IN_FLIGHT: String(IN_FLIGHT_BYTES) } });
  caller = await gateway.newCaller({ client: 'unread' });
  other = await gateway.newCaller({ client: 'other', teamId: caller.teamId });
  server = gateway.app.getHttpServer();
  id = await caller.create({ default: { name: 'Acme' }, extended: { text: 'x'.repeat(RESPONSE_BYTES) } });
});

afterAll(() => gateway.close());

async function value(name: string, labels: Record<string, string> = {}): Promise<number> {
  const read = await gateway.app.get(Instruments).registry.getSingleMetric(name)?.get();
  const found = read?.values.find((series) => Object.entries(labels).every(([k, v]) => series.labels[k] === v));
  if (found === undefined) throw new Error(`there is no ${name} ${JSON.stringify(labels)}`);
  return found.value;
}

const responseBytes = (): Promise<number> => value('prism_admission_response_bytes');
const queuedRequests = (): Promise<number> => value('prism_admission_queue_length', { stage: 'work' });
const cuts = (reason: string): Promise<number> => value('prism_http_connections_cut_total', { reason });

function get(path: string): string {
  return `GET ${path} HTTP/1.1\r\nhost: x\r\nx-api-key: ${caller.credentials.apiKey}\r\n\r\n`;
}

/** A connection on which nothing is read, and its socket in the gateway. */
async function openUnread(requests: string): Promise<[RawSocket, Socket]> {
  const connected = once(server, 'connection');
  const socket = await RawSocket.open(gateway.url);
  const [held] = (await connected) as [Socket]; // the argument of the event
  socket.stopReading();
  await socket.send(requests);
  return [socket, held];
}

/** Simulates the time after which a connection without progress is closed. */
function passUnreadTime(): void {
  const connections = gateway.app.get(Connections);
  const now = performance.now();
  connections.cutUnread(now);
  connections.cutUnread(now + UNREAD_MS);
}

describe('responses that are never read', () => {
  it('are limited to the share of their client, and delay no other client', async () => {
    const path = caller.path(`organization/${id}`);
    const opened = await Promise.all(Array.from({ length: 4 }, () => openUnread(get(path).repeat(100))));
    await expect.poll(queuedRequests).toBeGreaterThan(0);
    // Half of the bytes in flight, plus requests that were in progress when it was reached and data in socket buffers.
    const most = IN_FLIGHT_BYTES / 2 + 9 * (RESPONSE_BYTES + 65_536);
    expect(await responseBytes()).toBeGreaterThan(RESPONSE_BYTES);
    expect(await responseBytes()).toBeLessThanOrEqual(most);
    for (let n = 0; n < 20; n += 1) {
      expect((await other.call('GET', other.path(`organization/${id}`))).status).toBe(200);
    }
    expect(await responseBytes()).toBeLessThanOrEqual(most);
    const written = opened.reduce((sum, [, held]) => sum + held.bytesWritten, 0);
    expect(written).toBeLessThan(4 * 100 * RESPONSE_BYTES);
    for (const [socket] of opened) socket.destroy();
    await expect.poll(responseBytes).toBe(0);
  });

  it('close their connection if nothing was read for a while', async () => {
    const before = await cuts('unread');
    const [socket, held] = await openUnread(get(caller.path(`organization/${id}`)).repeat(50));
    await expect.poll(() => held.writableLength).toBeGreaterThan(0);
    const closed = once(held, 'close');
    passUnreadTime();
    await closed;
    expect(await cuts('unread')).toBe(before + 1);
    await expect.poll(responseBytes).toBe(0);
    socket.destroy();
  });

  it('do not close it while they are being read, or have all been read', async () => {
    const before = await cuts('unread');
    const socket = await RawSocket.open(gateway.url);
    await socket.send(get(caller.path(`organization/${id}`)).repeat(40));
    for (let n = 0; n < 40; n += 1) {
      expect((await socket.response()).status).toBe(200);
      gateway.app.get(Connections).cutUnread(performance.now() + n);
    }
    passUnreadTime();
    await socket.send(get('/health/live'));
    expect((await socket.response()).status).toBe(200);
    expect(await cuts('unread')).toBe(before);
    socket.destroy();
  });
});

describe('pipelined requests', () => {
  it('close the connection beyond a limit', async () => {
    const before = await cuts('pipelining');
    const socket = await RawSocket.open(gateway.url);
    const flood = 'GET /a HTTP/1.1\r\nhost:x\r\n\r\n'.repeat(2_000);
    await socket.send(`POST ${caller.path('organization/batch/update')} HTTP/1.1\r\nhost: x\r\n\r\n${flood}`);
    await socket.end();
    expect(await cuts('pipelining')).toBe(before + 1);
  });
});
