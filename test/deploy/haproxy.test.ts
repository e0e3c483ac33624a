// @module-tag haproxy
import { spawnSync } from 'node:child_process';
import { Agent, request } from 'undici';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { readSettings } from '#libs/config';
import { Balancer, balancerConfig } from '../support/balancer';
import { RawSocket } from '../support/raw.socket';
import { respond, type Arrival, type Behavior, resetConnection, GatewayDouble } from './gateway.double';

const arrivals: Arrival[] = [];
// A connection for each request: with a second one on a connection HAProxy would be more careful.
const agent = new Agent({ pipelining: 0 });
let gateways: GatewayDouble[];
let balancer: Balancer;

beforeAll(async () => {
  gateways = await Promise.all([1, 2].map((number) => GatewayDouble.start(number, arrivals)));
  balancer = await Balancer.start(gateways.map(({ port }) => port));
  await balancer.waitUntilUsed(1, 2);
});

afterEach(() => {
  arrivals.length = 0;
  all(respond);
});

afterAll(async () => {
  await balancer.stop();
  await Promise.all([agent.destroy(), ...gateways.map((gateway) => gateway.close())]);
});

/** Sets the behavior of the gateways. */
function all(behavior: Behavior): void {
  for (const gateway of gateways) gateway.behavior = behavior;
}

/** The first request to either gateway kills it; then both respond. */
function firstDies(arrival: Arrival): void {
  (arrivals.length === 1 ? resetConnection : respond)(arrival);
}

interface Sent {
  body?: string;
  headers?: Record<string, string>;
  path?: string;
  signal?: AbortSignal;
}

async function send(method: string, { body = 'patch', headers = {}, path = '/', signal }: Sent = {}) {
  const responded = await request(balancer.url + path, {
    method: method as 'POST',
    headers,
    dispatcher: agent,
    signal,
    ...(method === 'GET' ? {} : { body }),
  });
  const text = await responded.body.text();
  return {
    status: responded.statusCode,
    headers: responded.headers,
    body: text === '' ? undefined : JSON.parse(text),
  };
}

const keyed = { 'idempotency-key': 'a' };

describe('haproxy.cfg', () => {
  it('is accepted by HAProxy', () => {
    const check = spawnSync('haproxy', ['-c', '-f', 'deploy/haproxy/haproxy.cfg'], { encoding: 'utf8' });
    expect(check.status, check.stderr).toBe(0);
  });

  it("has timeouts longer than a gateway's, and detects a drain before its end", () => {
    const { requestTimeoutMs, drainDelayMs } = readSettings({ DATABASE_URL: 'postgres://localhost/prism' });
    const found = (pattern: RegExp): number => Number(pattern.exec(balancerConfig)?.[1]);
    expect(1_000 * found(/^ {2}timeout server (\d+)s$/m)).toBeGreaterThan(requestTimeoutMs);
    expect(1_000 * found(/^ {2}timeout client (\d+)s$/m)).toBeGreaterThan(requestTimeoutMs);
    const noticed = found(/ inter (\d+)s /) * found(/ fall (\d+) /) + found(/^ {2}timeout check (\d+)s$/m);
    expect(1_000 * noticed).toBeLessThan(drainDelayMs);
  });
});

describe('when a gateway is killed during a request', () => {
  it.each([
    ['POST', keyed],
    ['PUT', keyed],
    ['PATCH', keyed],
    ['GET', {}],
  ])('%s %o is sent to the other gateway', async (method, headers) => {
    all(firstDies);
    expect((await send(method, { headers })).status).toBe(200);
    expect(arrivals).toHaveLength(2);
    const [first, second] = arrivals;
    expect(second?.body).toBe(first?.body);
    expect(second?.request.headers).toEqual(first?.request.headers);
  });

  it.each([
    ['POST', {}],
    ['PUT', {}],
    ['PATCH', {}],
    ['DELETE', {}],
    ['DELETE', keyed],
  ])('%s %o is not sent again, and the client gets an error', async (method, headers) => {
    all(firstDies);
    const responded = await send(method, { headers: { ...headers, 'x-request-id': 'mine' } });
    expect(responded).toMatchObject({ status: 502, headers: { 'retry-after': '1', 'x-request-id': 'mine' } });
    expect(responded.body).toEqual({
      error: { code: 'unavailable', message: expect.any(String) as string, request_id: 'mine' },
    });
    expect(arrivals).toHaveLength(1);
  });

  it('a body that arrives in pieces is sent again whole', async () => {
    all(firstDies);
    const socket = await RawSocket.open(balancer.url);
    const head =
      'POST / HTTP/1.1\r\nhost: x\r\nidempotency-key: a\r\nexpect: 100-continue\r\ncontent-length: 10\r\n\r\n';
    await socket.send(head);
    expect((await socket.response()).status).toBe(100);
    await socket.send('in pieces!');
    expect((await socket.response()).status).toBe(200);
    expect(arrivals.map(({ body }) => body)).toEqual(['in pieces!', 'in pieces!']);
    socket.destroy();
  });

  it('a body of 60 kB is sent again, and a larger one is not', async () => {
    all(firstDies);
    expect((await send('POST', { headers: keyed, body: 'x'.repeat(60_000) })).status).toBe(200);
    arrivals.length = 0;
    expect((await send('POST', { headers: keyed, body: 'x'.repeat(200_000) })).status).toBe(502);
    expect(arrivals).toHaveLength(1);
  });

  it('and the other one is killed too, the client gets an error', async () => {
    all(resetConnection);
    expect((await send('POST', { headers: keyed })).status).toBe(502);
  });
});

describe('the response of a gateway', () => {
  it('is forwarded, also a 503: load that one gateway sheds is not sent to the other', async () => {
    all(({ response }) => response.writeHead(503).end('{"shed":true}'));
    expect(await send('POST', { headers: keyed })).toMatchObject({ status: 503, body: { shed: true } });
    expect(arrivals).toHaveLength(1);
  });

  it('is complete for any size of request and response', async () => {
    all(({ response }) => response.end(JSON.stringify('x'.repeat(1_000_000))));
    const { body } = await send('POST', { body: 'y'.repeat(3_000_000) });
    expect(body).toHaveLength(1_000_000);
    expect(arrivals[0]?.body).toHaveLength(3_000_000);
  });
});

describe('a gateway', () => {
  it('that drains gets no new request, and finishes those in flight', async () => {
    const held = new Promise<Arrival>((resolve) => {
      all(resolve);
    });
    const slow = send('POST');
    const { gateway: draining, response } = await held;
    const other = 3 - draining;
    all(respond);
    for (const gateway of gateways) gateway.ready = gateways.indexOf(gateway) + 1 === other;
    await balancer.waitUntilUsed(other);
    for (let n = 0; n < 4; n++) await send('POST');
    expect(arrivals.slice(1).map(({ gateway }) => gateway)).toEqual([other, other, other, other]);
    response.end('{"late":true}');
    expect((await slow).body).toEqual({ late: true });
    for (const gateway of gateways) gateway.ready = true;
    await balancer.waitUntilUsed(1, 2);
  });

  it('that refuses connections has executed nothing: any request goes to the other one', async () => {
    await gateways[0]?.close();
    for (let n = 0; n < 4; n++) expect((await send('POST')).status).toBe(200);
    expect(arrivals.map(({ gateway }) => gateway)).toEqual([2, 2, 2, 2]);
    await gateways[0]?.listen();
    await balancer.waitUntilUsed(1, 2);
  });

  it('notices the disconnect of a client', async () => {
    const held = new Promise<Arrival>((resolve) => {
      all(resolve);
    });
    const caller = new AbortController();
    const canceled = send('POST', { signal: caller.signal });
    const { request: incoming } = await held;
    const disconnected = new Promise((resolve) => incoming.socket.once('close', resolve));
    caller.abort();
    await expect(canceled).rejects.toThrow();
    await disconnected;
  });
});

describe('the headers that a gateway gets', () => {
  const headersOf = async (headers: Record<string, string>) => {
    await send('POST', { headers });
    return arrivals[0]?.request.headers;
  };

  it("contain the client's address as HAProxy sees it, for any request headers", async () => {
    const forged = { 'x-forwarded-for': '10.0.0.1', forwarded: 'for=10.0.0.1', 'x-forwarded-proto': 'https' };
    expect(await headersOf(forged)).toMatchObject({ 'x-forwarded-for': '127.0.0.1', 'x-forwarded-proto': 'http' });
    expect(arrivals[0]?.request.headers.forwarded).toBeUndefined();
  });

  it("contain the client's request id", async () => {
    expect(await headersOf({ 'x-request-id': 'order-77:retry.1' })).toMatchObject({
      'x-request-id': 'order-77:retry.1',
    });
  });

  it.each(['two words', 'x'.repeat(129), '"quoted"'])('contain a new request id in place of %s', async (bad) => {
    expect((await headersOf({ 'x-request-id': bad }))?.['x-request-id']).toMatch(/^[0-9a-f-]{36}$/);
  });
});

describe('the access log', () => {
  it('has a line for each request, with its id and its attempts', async () => {
    all(firstDies);
    await send('POST', { headers: { ...keyed, 'x-request-id': 'logged' }, path: '/v2/prism/T/contact/batch/update' });
    expect(await balancer.lineOf('logged')).toMatchObject({
      server: `gateway-${arrivals[1]?.gateway ?? 0}`,
      status: 200,
      method: 'POST',
      path: '/v2/prism/T/contact/batch/update',
      retries: expect.stringMatching(/^\+?[12]$/) as string,
    });
  });

  it('never contains a value or a key', async () => {
    const headers = { 'x-api-key': 'secret-key', 'idempotency-key': 'secret-retry', 'x-request-id': 'discreet' };
    await send('GET', { headers, path: '/v2/prism/T/contact/by/email/secret@example.com?select=secret-name' });
    const { path, text } = await balancer.lineOf('discreet');
    expect(path).toBe('/v2/prism/T/contact/by/email/-');
    expect(text).not.toContain('secret');

    await send('GET', { headers: { 'x-request-id': 'receipt' }, path: '/v2/prism/T/receipts/secret%2fretry' });
    const receipt = await balancer.lineOf('receipt');
    expect(receipt.path).toBe('/v2/prism/T/receipts/-');
    expect(receipt.text).not.toContain('secret');
  });
});

describe("HAProxy's own errors have the body of the API's errors", () => {
  it('503 when no gateway is ready', async () => {
    for (const gateway of gateways) gateway.ready = false;
    await balancer.waitUntilUsed();
    const responded = await send('POST', { headers: { 'x-request-id': 'mine' } });
    expect(responded).toMatchObject({ status: 503, headers: { 'retry-after': '1', 'x-request-id': 'mine' } });
    expect(responded.body).toMatchObject({ error: { code: 'unavailable', request_id: 'mine' } });
    for (const gateway of gateways) gateway.ready = true;
    await balancer.waitUntilUsed(1, 2);
  });
});

describe('the admin port', () => {
  it('serves metrics and its own health, and nothing else', async () => {
    const statuses = ['/metrics', '/health/live', '/', '/v2/prism'].map((path) => fetch(balancer.metricsUrl + path));
    expect((await Promise.all(statuses)).map(({ status }) => status)).toEqual([200, 200, 404, 404]);
  });
});
