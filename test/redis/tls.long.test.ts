// @module-tag redis-server
// @module-tag openssl
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { AccessService } from '#libs/auth';
import { readSettings } from '#libs/config';
import { openDatabase } from '#libs/database';
import { type Certificates, createCertificates } from '../support/certificates';
import { createDatabase, type TestDatabase } from '../support/database';
import { GatewayProcess } from '../support/gateway.process';
import { startRedis } from '../support/redis.server';
import { MASTER_NAME, startCluster, startSentinel } from '../support/redis.topology';

const PASSWORD = 's3cret-of-the-servers';
const SENTINEL_PASSWORD = 's3cret-of-the-sentinels';

let certificates: Certificates;
let database: TestDatabase;
let teamId: string;
let apiKey: string;

beforeAll(async () => {
  certificates = createCertificates();
  database = await createDatabase();
  const pool = openDatabase(readSettings({ DATABASE_URL: database.url }));
  const access = AccessService.create(pool);
  teamId = (await access.createTeam('A team')).id;
  ({ apiKey } = await access.createKey(teamId, 'billing', ['records:read', 'records:write']));
  await pool.close();
});

afterAll(async () => {
  certificates.remove();
  await database.drop();
});

/** Settings of a server that accepts only TLS and requires the password. */
function tlsSettings(port: string): Record<string, string> {
  const { ca, certificate, key } = certificates;
  return {
    port: '0',
    'tls-port': port,
    'tls-ca-cert-file': ca,
    'tls-cert-file': certificate,
    'tls-key-file': key,
    'tls-auth-clients': 'no',
    'tls-replication': 'yes',
  };
}

function serverArguments(port: string): string[] {
  const settings = { ...tlsSettings(port), requirepass: PASSWORD, masterauth: PASSWORD };
  return Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]);
}

type Settings = Record<string, string>;

/** Each starts its servers, and returns the settings of a gateway and the ports of the Redis servers. */
const topologies: Record<string, () => Promise<{ settings: Settings; ports: number[] }>> = {
  'a single server': single,
  'the master of Sentinels': async () => {
    const { ports } = await single();
    const [masterPort = 0] = ports;
    const sentinel = await startSentinel({
      masterPort,
      quorum: 1,
      lines: [
        ...Object.entries(tlsSettings('{port}')).map((setting) => setting.join(' ')),
        `requirepass ${SENTINEL_PASSWORD}`,
        `sentinel auth-pass ${MASTER_NAME} ${PASSWORD}`,
      ],
    });
    onTestFinished(() => sentinel.stop());
    return {
      ports,
      settings: {
        REDIS_URL: `rediss://:${PASSWORD}@127.0.0.1:${sentinel.port}`,
        REDIS_MODE: 'sentinel',
        REDIS_SENTINEL_MASTER: MASTER_NAME,
        REDIS_SENTINEL_PASSWORD: SENTINEL_PASSWORD,
      },
    };
  },
  'a cluster': async () => {
    const cluster = await startCluster({
      server: [...serverArguments('{port}'), '--tls-cluster', 'yes'],
      client: ['--tls', '--cacert', certificates.ca, '--no-auth-warning', '-a', PASSWORD],
    });
    onTestFinished(() => cluster.stop());
    const ports = cluster.nodes.map(({ port }) => port);
    const hosts = ports.map((port) => `localhost:${port}`).join(',');
    return { ports, settings: { REDIS_URL: `rediss://:${PASSWORD}@${hosts}`, REDIS_MODE: 'cluster' } };
  },
};

async function single(): Promise<{ settings: Settings; ports: number[] }> {
  const server = await startRedis({ arguments: serverArguments('{port}') });
  onTestFinished(() => server.kill());
  return { ports: [server.port], settings: { REDIS_URL: `rediss://:${PASSWORD}@localhost:${server.port}` } };
}

async function start(settings: Settings): Promise<{ gateway: GatewayProcess; api: string }> {
  const gateway = GatewayProcess.start({ DATABASE_URL: database.url, REDIS_TIMEOUT_MS: '5000', ...settings });
  const { api } = await gateway.listening();
  return { gateway, api };
}

async function redisHealth(api: string): Promise<unknown> {
  const response = await fetch(`${api}/health/ready`);
  return ((await response.json()) as { checks: { redis: string } }).checks.redis;
}

describe.each(Object.entries(topologies))('%s', (_name, open) => {
  it('with TLS of a private CA and passwords is used', async () => {
    const { settings, ports } = await open();
    const { gateway, api } = await start({ ...settings, NODE_EXTRA_CA_CERTS: certificates.ca });
    expect(await redisHealth(api)).toBe('up');
    const response = await fetch(`${api}/v2/prism/${teamId}/organization`, {
      method: 'POST',
      headers: { 'x-api-key': apiKey, 'content-type': 'application/json', 'idempotency-key': randomUUID() },
      body: JSON.stringify({ default: { name: 'Acme' } }),
    });
    expect(response.status).toBe(201);
    const stored = await Promise.all(ports.map(keysOf));
    expect(stored.flat()).toEqual([expect.stringContaining(teamId)]);
    expect(gateway.stdout).not.toContain('s3cret');
  });

  it('is not used if its CA is unknown or a password is wrong, and the log has the reason but no password', async () => {
    const { settings } = await open();
    const { gateway, api } = await start(settings);
    expect(await redisHealth(api)).toBe('down');
    const wrong = settings.REDIS_URL?.replace(PASSWORD, 'wr0ng') ?? '';
    const other = await start({ ...settings, REDIS_URL: wrong, NODE_EXTRA_CA_CERTS: certificates.ca });
    expect(await redisHealth(other.api)).toBe('down');
    const reasons = [gateway, other.gateway].map(({ lines }) => lines.find(({ context }) => context === 'Redis')?.msg);
    expect(reasons).toEqual([expect.stringMatching(/certificate/), expect.stringMatching(/WRONGPASS/)]);
    expect(gateway.stdout + other.gateway.stdout).not.toMatch(/s3cret|wr0ng/);
  });
});

async function keysOf(port: number): Promise<string[]> {
  const admin = new Redis({ port, password: PASSWORD, tls: { ca: readFileSync(certificates.ca) } });
  const keys = await admin.keys('prism:*:idempotency:*');
  admin.disconnect();
  return keys;
}
