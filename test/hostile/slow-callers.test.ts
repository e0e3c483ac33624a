import { once } from 'node:events';
import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Metrics } from '#libs/telemetry';
import type { ApiClient } from '../support/api.client';
import { startGateway, type TestGateway } from '../support/gateway';
import { RawSocket } from '../support/raw.socket';

/** A byte so often: each of them arrives, the whole never does. */
const TRICKLE_MS = 50;

let gateway: TestGateway;
let caller: ApiClient;
let server: Server;

beforeAll(async () => {
  gateway = await startGateway();
  caller = await gateway.newCaller();
  server = gateway.app.getHttpServer();
});

afterAll(() => gateway.close());

/** Sends the text, and then a byte at a time until the connection ends; answers how long that took and what came back. */
async function trickle(start: string): Promise<{ answer: string; ms: number }> {
  const began = performance.now();
  const socket = await RawSocket.open(gateway.url);
  await socket.send(start);
  const timer = setInterval(() => void socket.send('x'), TRICKLE_MS);
  const answer = await socket.end();
  clearInterval(timer);
  return { answer, ms: performance.now() - began };
}

function upload(headers: string): string {
  const path = caller.path('organization/batch/update');
  return `POST ${path} HTTP/1.1\r\nhost: x\r\nx-api-key: ${caller.credentials.apiKey}\r\ncontent-type: application/json\r\n${headers}\r\n`;
}

describe('the limits of time', () => {
  it('are shorter than the patience of an attacker, and idle connections outlive those of balancers', () => {
    expect(server.headersTimeout).toBe(15_000);
    // REQUEST_TIMEOUT_MS, and time to read the answer of.
    expect([server.requestTimeout, server.timeout]).toEqual([45_000, 45_000]);
    expect(server.keepAliveTimeout).toBe(75_000);
  });
});

describe.concurrent('a caller that sends a byte now and then', () => {
  it('does not keep a connection with headers that never end', async () => {
    server.headersTimeout = 500;
    const { answer, ms } = await trickle('GET /health/live HTTP/1.1\r\nhost: x\r\na: ');
    expect(answer).toContain('The request did not arrive in time.');
    expect(ms).toBeLessThan(10_000);
  });

  it.each(['content-length: 1000000\r\n', 'transfer-encoding: chunked\r\n'])(
    'is answered at its deadline and cut off soon after, in the middle of its body: %j',
    async (framing) => {
      const chunk = framing.startsWith('transfer') ? 'fffff\r\n' : '';
      const { answer, ms } = await trickle(upload(`x-request-timeout-ms: 300\r\n${framing}`) + chunk);
      expect(answer).toMatch(/^HTTP\/1\.1 503 /);
      expect(ms).toBeLessThan(8_000);
    },
  );
});

describe('a body that its answer overtakes', () => {
  const body = `{"items":[${Array.from({ length: 50 }, () => '{}').join()}]}`;

  async function held(metric: string): Promise<number | undefined> {
    const read = await gateway.app.get(Metrics).registry.getSingleMetric(metric)?.get();
    return read?.values[0]?.value;
  }

  it('takes its room until its connection ends', async () => {
    const socket = await RawSocket.open(gateway.url);
    await socket.send(upload(`x-request-timeout-ms: 300\r\ncontent-length: ${body.length}\r\n`) + body.slice(0, 10));
    expect((await socket.answer()).status).toBe(503);
    expect(await held('prism_admission_body_bytes')).toBe(body.length);
    socket.destroy();
    await expect.poll(() => held('prism_admission_body_bytes')).toBe(0);
  });

  it('takes its room until it has come to its end, and none for what it says', async () => {
    const socket = await RawSocket.open(gateway.url);
    await socket.send(upload(`x-request-timeout-ms: 300\r\ncontent-length: ${body.length}\r\n`) + body.slice(0, 10));
    expect((await socket.answer()).status).toBe(503);
    expect(await held('prism_admission_body_bytes')).toBe(body.length);

    await socket.send(`${body.slice(10)}GET /health/live HTTP/1.1\r\nhost: x\r\n\r\n`);
    expect((await socket.answer()).status).toBe(200);
    await expect.poll(() => held('prism_admission_body_bytes')).toBe(0);
    expect(await held('prism_admission_heap_bytes')).toBe(0);
    socket.destroy();
  });
});

describe('a caller that takes none of its answers', () => {
  it('loses its connection', async () => {
    const id = await caller.create({ default: { name: 'Acme' }, extended: { text: 'x'.repeat(200_000) } });
    server.setTimeout(500);
    const connected = once(server, 'connection');
    const socket = await RawSocket.open(gateway.url);
    const [held] = (await connected) as [Socket]; // what the event comes with
    socket.stopReading();
    // More than the buffers of both ends hold.
    const path = caller.path(`organization/${id}`);
    await socket.send(`GET ${path} HTTP/1.1\r\nhost: x\r\nx-api-key: ${caller.credentials.apiKey}\r\n\r\n`.repeat(100));
    await once(held, 'close');
    expect(held.bytesWritten).toBeLessThan(100 * 200_000);
    socket.destroy();
  });
});
