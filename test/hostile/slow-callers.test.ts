import type { Server } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Instruments } from '#libs/telemetry';
import type { ApiClient } from '../support/api.client';
import { startGateway, type TestGateway } from '../support/gateway';
import { RawSocket } from '../support/raw.socket';

/** Milliseconds between bytes, so that the request never completes. */
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

/** Sends the text, and then a byte at a time until the connection ends. Returns the received text. */
async function trickle(start: string): Promise<string> {
  const socket = await RawSocket.open(gateway.url);
  await socket.send(start);
  const timer = setInterval(() => {
    socket.write('x');
  }, TRICKLE_MS);
  const response = await socket.end();
  clearInterval(timer);
  return response;
}

async function gauge(name: string): Promise<number | undefined> {
  const read = await gateway.app.get(Instruments).registry.getSingleMetric(name)?.get();
  return read?.values[0]?.value;
}

function upload(headers: string): string {
  const path = caller.path('organization/batch/update');
  return `POST ${path} HTTP/1.1\r\nhost: x\r\nx-api-key: ${caller.credentials.apiKey}\r\ncontent-type: application/json\r\n${headers}\r\n`;
}

describe('timeouts', () => {
  it("are short for incomplete requests, and longer than a load balancer's for idle connections", () => {
    expect(server.headersTimeout).toBe(15_000);
    // REQUEST_TIMEOUT_MS, and time to send the response.
    expect([server.requestTimeout, server.timeout]).toEqual([45_000, 45_000]);
    expect(server.keepAliveTimeout).toBe(75_000);
  });
});

describe('a client that sends one byte at a time', () => {
  it('is disconnected if its headers never end', async () => {
    server.headersTimeout = 500;
    const response = await trickle('GET /health/live HTTP/1.1\r\nhost: x\r\na: ');
    expect(response).toMatch(/^HTTP\/1\.1 408 Request Timeout\r\n/);
    expect(response).toContain('"code":"invalid_request","message":"The request did not arrive in time.');
  });

  it.each(['content-length: 1000000\r\n', 'transfer-encoding: chunked\r\n'])(
    'gets a response at its deadline and is disconnected soon after, in the middle of its body: %j',
    async (framing) => {
      const chunk = framing.startsWith('transfer') ? 'fffff\r\n' : '';
      const response = await trickle(upload(`x-request-timeout-ms: 300\r\n${framing}`) + chunk);
      expect(response).toMatch(/^HTTP\/1\.1 408 /);
      expect(response).toContain('"code":"invalid_request"');
    },
  );
});

describe('a body that is still arriving when its response is sent', () => {
  const body = `{"items":[${Array.from({ length: 50 }, () => '{}').join()}]}`;
  const arrived = 10;

  async function begin(): Promise<RawSocket> {
    const socket = await RawSocket.open(gateway.url);
    const head = upload(`x-request-timeout-ms: 300\r\ncontent-length: ${body.length}\r\n`);
    await socket.send(head + body.slice(0, arrived));
    expect((await socket.response()).status).toBe(408);
    expect(await gauge('prism_admission_body_bytes')).toBe(arrived);
    return socket;
  }

  it('reserves the arrived bytes until its connection ends', async () => {
    const socket = await begin();
    socket.destroy();
    await expect.poll(() => gauge('prism_admission_body_bytes')).toBe(0);
  });

  it('reserves the arrived bytes until its end, and is not parsed', async () => {
    const socket = await begin();
    await socket.send(`${body.slice(arrived)}GET /health/live HTTP/1.1\r\nhost: x\r\n\r\n`);
    expect((await socket.response()).status).toBe(200);
    await expect.poll(() => gauge('prism_admission_body_bytes')).toBe(0);
    expect(await gauge('prism_admission_heap_bytes')).toBe(0);
    socket.destroy();
  });
});
