// @module-tag haproxy
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Agent, request } from 'undici';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { readSettings } from '#libs/config';
import { createHttpServer } from '../../apps/gateway/http/server.factory';
import { Balancer } from '../support/balancer';
import { RawSocket, rawCall } from '../support/raw.socket';

// HAProxy connects to the gateway from 127.0.0.1, the one address that the gateway trusts. Clients use other loopback
// addresses, which a socket can bind to on Linux without any setup.
const trusted = '127.0.0.1';
const client = '127.0.0.2';
const otherClient = '127.0.0.3';

const get = 'GET / HTTP/1.1\r\nhost: x\r\n\r\n';
const forged = {
  'x-forwarded-for': '198.51.100.9',
  'x-forwarded-proto': 'https',
  'x-forwarded-host': 'forged.example',
  forwarded: 'for=198.51.100.9;proto=https;host=forged.example',
};

// The HTTP server of the gateway, with a route that returns the address of the caller.
const { fastify: gateway } = createHttpServer(
  readSettings({ DATABASE_URL: 'postgres://localhost/prism', TRUSTED_PROXIES: trusted }),
);
const started: Balancer[] = [];
const agents: Agent[] = [];
let gatewayUrl: string;

beforeAll(async () => {
  gateway.get('/', ({ ip, protocol, host }) => ({ ip, protocol, host }));
  gateway.get('/health/ready', () => ({}));
  gatewayUrl = await gateway.listen({ host: '127.0.0.1', port: 0 });
});
afterEach(async () => {
  await Promise.all([...agents.splice(0).map((agent) => agent.destroy()), ...started.splice(0).map((b) => b.stop())]);
});
afterAll(() => gateway.close());

/** HAProxy with the shipped configuration in front of the gateway. @param edit changes the configuration */
async function startBalancer(edit?: (config: string) => string): Promise<Balancer> {
  const { port } = gateway.server.address() as AddressInfo; // it listens on TCP
  const balancer = await Balancer.start([port], edit);
  started.push(balancer);
  await balancer.waitUntilUsed(1);
  return balancer;
}

/** Calls from an address, on a connection that stays open until the test ends. */
async function callFrom(localAddress: string, url: string, headers: Record<string, string> = {}) {
  const agent = new Agent({ localAddress, connections: 1 });
  agents.push(agent);
  const { statusCode, body, headers: received } = await request(url, { dispatcher: agent, headers });
  return { status: statusCode, headers: received, body: await body.json() };
}

/** Replaces text that the shipped configuration must contain. */
function edited(config: string, ...changes: readonly (readonly [from: string, to: string])[]): string {
  return changes.reduce((text, [from, to]) => {
    if (!text.includes(from)) throw new Error(`deploy/haproxy/haproxy.cfg does not contain: ${from}`);
    return text.replaceAll(from, to);
  }, config);
}

/** The change that turns on an option that the configuration contains as a comment. */
const turnOn = (option: string): [string, string] => [`# ${option}`, option];

describe('the address that the gateway sees', () => {
  it("is the client's behind HAProxy, for any headers of the client", async () => {
    const { url } = await startBalancer();
    const { body } = await callFrom(client, url, forged);
    expect(body).toEqual({ ip: client, protocol: 'http', host: new URL(url).host });
  });

  it("is the client's without HAProxy, for any headers of the client", async () => {
    const { body } = await callFrom(client, gatewayUrl, forged);
    expect(body).toMatchObject({ ip: client, protocol: 'http', host: new URL(gatewayUrl).host });
  });

  it('is the one that a trusted proxy before HAProxy reports', async () => {
    const { url } = await startBalancer((config) =>
      edited(config, turnOn('http-request set-var(txn.behind_proxy)'), turnOn('http-request set-src'), [
        '192.0.2.0/24',
        `${client}/32`,
      ]),
    );
    const reported = { 'x-forwarded-for': '198.51.100.9, 203.0.113.7', 'x-forwarded-proto': 'https' };
    expect((await callFrom(client, url, reported)).body).toMatchObject({ ip: '203.0.113.7', protocol: 'https' });
    expect((await callFrom(otherClient, url, reported)).body).toMatchObject({ ip: otherClient, protocol: 'http' });
  });

  it('is the one that a trusted proxy reports by the PROXY protocol', async () => {
    const { url } = await startBalancer((config) =>
      edited(config, turnOn('tcp-request connection expect-proxy'), ['192.0.2.0/24', '127.0.0.1/32']),
    );
    const head = 'PROXY TCP4 203.0.113.7 127.0.0.1 40000 8080\r\nGET / HTTP/1.1\r\nhost: x\r\n\r\n';
    expect((await rawCall(url, head)).body).toMatchObject({ ip: '203.0.113.7' });
    expect((await callFrom(client, url, forged)).body).toMatchObject({ ip: client });
  });
});

describe('one source address', () => {
  const denied = async ({ metricsUrl }: Balancer): Promise<number> => {
    const metrics = await (await fetch(`${metricsUrl}/metrics`)).text();
    return Number(/^haproxy_frontend_denied_connections_total\{proxy="api"\} (\d+)/m.exec(metrics)?.[1]);
  };
  const threeAtMost = (config: string): string => edited(config, ['sc_conn_cur(0) gt 500', 'sc_conn_cur(0) gt 3']);

  it('is limited in connections, without affecting other addresses', async () => {
    const balancer = await startBalancer(threeAtMost);
    const held = await Promise.all([1, 2, 3].map(() => RawSocket.open(balancer.url)));
    for (const socket of held) {
      await socket.send(get);
      expect((await socket.response()).status).toBe(200);
    }
    await expect(rawCall(balancer.url, get)).rejects.toThrow();
    expect(await denied(balancer)).toBe(1);
    expect((await callFrom(client, balancer.url)).status).toBe(200);

    // A closed connection admits the next one.
    held.pop()?.destroy();
    const admitted = () => rawCall(balancer.url, get).then(({ status }) => status === 200);
    while (!(await admitted().catch(() => false))) await sleep(5);
    for (const socket of held) socket.destroy();
  });

  it('cannot multiplex requests by HTTP/2', async () => {
    const { url } = await startBalancer();
    const socket = await RawSocket.open(url);
    const emptySettings = '\0\0\0\x04\0\0\0\0\0';
    await socket.send(`PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n${emptySettings}`);
    expect(await socket.end()).toMatch(/^HTTP\/1\.1 400 /);
  });

  it('cannot use up the connections of the metrics port', async () => {
    const balancer = await startBalancer((config) =>
      edited(config, ['maxconn 2100', 'maxconn 24'], ['maxconn 2000', 'maxconn 20'], ['maxconn 100', 'maxconn 4']),
    );
    const held = await Promise.all(Array.from({ length: 30 }, () => RawSocket.open(balancer.url)));
    await Promise.all(held.map((socket) => socket.send('GET / HTTP/1.1\r\n')));
    // A new connection: those of `fetch` were already open.
    const agent = new Agent();
    agents.push(agent);
    const { statusCode } = await request(`${balancer.metricsUrl}/health/live`, { dispatcher: agent });
    expect(statusCode).toBe(200);
    for (const socket of held) socket.destroy();
  });

  it("gets 429 with the body of the API's errors beyond a rate, if that option is on", async () => {
    const { url } = await startBalancer((config) =>
      edited(config, turnOn('http-request deny deny_status 429'), ['gt 1000', 'gt 2']),
    );
    const statuses: number[] = [];
    for (let n = 0; n < 2; n += 1) statuses.push((await callFrom(client, url)).status);
    expect(statuses).toEqual([200, 200]);
    const rejected = await callFrom(client, url, { 'x-request-id': 'mine' });
    expect(rejected).toMatchObject({ status: 429, headers: { 'retry-after': '10', 'x-request-id': 'mine' } });
    expect(rejected.body).toMatchObject({ error: { code: 'rate_limited', request_id: 'mine' } });
    expect((await callFrom(otherClient, url)).status).toBe(200);
  });
});
