import { driveImports, importRows } from './import.driver';
import type { Load } from './load';
import { idOf, recordCount } from './organizations';
import { drivePgbench, type PgbenchWork } from './pgbench.driver';
import { drivePool } from './pool.driver';
import type { ServiceProcess } from './service.process';
import type { BenchEnvironment } from './bench.environment';
import { driveHttp, type HttpWork } from './wrk.driver';

/** One row of the table: what is sent, to which service, and how. */
export interface Workload {
  name: string;
  /** What is sent, and how. */
  what: string;
  /** For a baseline: its configuration, and the work that it omits. */
  note?: string;
  callers: number;
  itemsPerBatch: number;
  /** Records that a batch changes; fewer than its items if some fail intentionally. */
  changesPerBatch: number;
  /** The services whose CPU is measured, besides Postgres. */
  services: readonly ServiceProcess[];
  /** The load balancer in front of them. */
  balancer?: ServiceProcess;
  /** For two gateways: the name of the workload with one. */
  oneGatewayName?: string;
  drive(seconds: number, signal: AbortSignal): Promise<Load>;
}

interface Entry {
  /** Whether it is part of a quick run. */
  quick?: true;
  of(environment: BenchEnvironment): Omit<Workload, 'name'> | undefined;
}

const batchItems = 100;

/** In the order of their turns: workloads that are compared are adjacent. */
const entries = {
  pgbench: {
    quick: true,
    of: (environment) => ({
      ...direct(environment, 'update_item', 'pgbench: an UPDATE by primary key, a transaction each'),
      note: '-M prepared, 8 connections, 2 threads; each waits for the flush of its own commit; no validation, no results',
    }),
  },
  plain: { quick: true, of: (environment) => gateway(environment, 'batches of 100', {}) },
  keyed: {
    quick: true,
    of: (environment) => gateway(environment, 'each batch with a fresh Idempotency-Key', { keyed: true }),
  },
  match: { of: (environment) => gateway(environment, 'batches of 100 that match a value', { sent: 'match' }) },
  import: { of: imported },
  'plain-1': { of: (environment) => gateway(environment, 'one caller', { callers: 1 }) },
  'plain-32': { of: (environment) => gateway(environment, '32 callers', { callers: 32 }) },
  minimal: { of: (environment) => gateway(environment, 'responses without the records', { minimal: true }) },
  'items-1': { of: (environment) => gateway(environment, 'batches of 1', { items: 1 }) },
  'items-1-keyed': {
    of: (environment) => gateway(environment, 'batches of 1, each with a fresh key', { items: 1, keyed: true }),
  },
  'items-10': { of: (environment) => gateway(environment, 'batches of 10', { items: 10 }) },
  failing: {
    of: (environment) => gateway(environment, '5 unknown records and 5 bad values in each batch', { failing: 10 }),
  },
  hot: { of: (environment) => gateway(environment, 'all callers on the same 100 records', { records: 100 }) },
  'one-update': {
    quick: true,
    of: (environment) => ({
      ...direct(environment, 'update_atomic', 'pgbench: one UPDATE of 100 in a single transaction'),
      note: '-M prepared; the server selects records and values; items cannot fail individually; no results',
    }),
  },
  'bare-http': {
    quick: true,
    of: (environment) => ({
      ...textbook(environment, 'atomic', 'bare HTTP baseline: the same by a Nest handler without validation'),
      note: 'prepared; the body is passed to Postgres unchanged, and its result is the response',
    }),
  },
  'textbook-loop': {
    quick: true,
    of: (environment) => ({
      ...textbook(environment, 'update?mode=loop', 'textbook gateway, a transaction an item, in a loop'),
      note: 'BEGIN, SELECT FOR UPDATE, UPDATE, COMMIT; class-validator; a pool of 10; responds with the records',
    }),
  },
  'textbook-all': {
    quick: true,
    of: (environment) => ({
      ...textbook(environment, 'update?mode=all', 'textbook gateway, a transaction an item, with Promise.all'),
      note: 'the transactions of the loop, as many at once as the pool has connections',
    }),
  },
  patch: { of: (environment) => oneByOne(environment, 'patch', 'PATCH of one record', {}) },
  'patch-keyed': {
    of: (environment) => oneByOne(environment, 'patch', 'PATCH of one record with a fresh key', { keyed: true }),
  },
  upsert: { of: (environment) => oneByOne(environment, 'upsert', 'PUT of one record by a value that it has', {}) },
  single: { of: (environment) => gateway(environment, 'batches of 1, one caller', { items: 1, callers: 1 }) },
  'single-keyed': {
    of: (environment) =>
      gateway(environment, 'batches of 1, one caller, each with a fresh key', { items: 1, callers: 1, keyed: true }),
  },
  'single-pool': { of: singleThroughPool },
  'single-empty': { of: emptyRequest },
  'haproxy-1': { of: (environment) => balanced(environment, 'one', 'batches of 100', {}) },
  'haproxy-2': { of: (environment) => comparedWith('haproxy-1', balanced(environment, 'two', 'batches of 100', {})) },
  'haproxy-1-single': { of: (environment) => balanced(environment, 'one', 'batches of 1', { items: 1 }) },
  'haproxy-2-single': {
    of: (environment) => comparedWith('haproxy-1-single', balanced(environment, 'two', 'batches of 1', { items: 1 })),
  },
  list: { of: (environment) => read(environment, 'gateway', LIST, 'a page of 25 records in the default order') },
  'list-sql': { of: (environment) => read(environment, 'textbook', LIST, `${BARE} the same page`) },
  'list-postgrest': { of: (environment) => read(environment, 'postgrest', LIST, `${POSTGREST} the same page`) },
  query: {
    of: (environment) => read(environment, 'gateway', QUERY, 'a page of 25 with a filter on one option of five'),
  },
  'query-sql': { of: (environment) => read(environment, 'textbook', QUERY, `${BARE} the same page`) },
  'query-postgrest': { of: (environment) => read(environment, 'postgrest', QUERY, `${POSTGREST} the same page`) },
  find: { of: (environment) => read(environment, 'gateway', FIND, 'one record by its id') },
  'find-sql': { of: (environment) => read(environment, 'textbook', FIND, `${BARE} the same record`) },
  'find-postgrest': { of: (environment) => read(environment, 'postgrest', FIND, `${POSTGREST} the same record`) },
} satisfies Record<string, Entry>;

interface Read {
  path: string;
  body?: string;
}

const LIST: Read = { path: '?select=name,stage,employees' };
const QUERY: Read = {
  path: '/query',
  body: JSON.stringify({ query: { select: ['name', 'stage', 'employees'], filter: [{ stage: { '=': 'won' } }] } }),
};
const FIND: Read = { path: `/${idOf(0)}` };
const BARE = 'bare HTTP baseline: one statement whose result is the response, no validation, authentication or limits;';
const POSTGREST = 'PostgREST-like baseline: the same in a transaction with the role and settings of the caller;';

export type WorkloadName = keyof typeof entries;

export const workloadNames = Object.keys(entries) as WorkloadName[]; // the keys of `entries`

export const quickNames = workloadNames.filter((name) => 'quick' in entries[name]);

/** The workloads that can run in this environment. */
export function workloads(environment: BenchEnvironment, names: readonly WorkloadName[]): Workload[] {
  return names.flatMap((name) => {
    const workload: Omit<Workload, 'name'> | undefined = entries[name].of(environment);
    return workload === undefined ? [] : [{ name, ...workload }];
  });
}

type Variant = Partial<Pick<HttpWork, 'sent' | 'callers' | 'items' | 'failing' | 'records' | 'keyed' | 'minimal'>>;

/** The default requests, changed by a variant. */
export function httpWork(
  { credentials }: { credentials: { teamId: string; apiKey: string } },
  service: ServiceProcess,
  route: string,
  variant: Variant,
): HttpWork {
  return {
    url: `${service.url}/v2/prism/${credentials.teamId}/organization/batch/${route}`,
    caller: { apiKey: credentials.apiKey },
    sent: 'batch',
    callers: 8,
    items: batchItems,
    failing: 0,
    records: recordCount,
    keyed: false,
    minimal: false,
    ...variant,
  };
}

function gateway(environment: BenchEnvironment, what: string, variant: Variant): Omit<Workload, 'name'> {
  return overHttp(what, httpWork(environment, environment.gateway, 'update', variant), [environment.gateway]);
}

function oneByOne(
  environment: BenchEnvironment,
  sent: 'patch' | 'upsert',
  what: string,
  variant: Variant,
): Omit<Workload, 'name'> {
  const { gateway, credentials } = environment;
  const url = `${gateway.url}/v2/prism/${credentials.teamId}/organization`;
  return overHttp(what, { ...httpWork(environment, gateway, '', { sent, items: 1, ...variant }), url }, [gateway]);
}

function imported({ gateway, worker, credentials }: BenchEnvironment): Omit<Workload, 'name'> | undefined {
  if (worker === undefined) return undefined;
  const { teamId, apiKey } = credentials;
  return {
    what: 'an import of 10,000 rows, by one worker',
    note: 'each row creates a record with a primary_domain, which has a lookup; the job is read every 200 ms',
    callers: 1,
    itemsPerBatch: importRows,
    changesPerBatch: importRows,
    services: [gateway, worker],
    drive: (seconds, signal) => driveImports({ url: gateway.url, teamId, apiKey }, seconds, signal),
  };
}

function textbook(environment: BenchEnvironment, route: string, what: string): Omit<Workload, 'name'> {
  return overHttp(what, httpWork(environment, environment.textbook, route, {}), [environment.textbook]);
}

function balanced(
  environment: BenchEnvironment,
  count: 'one' | 'two',
  sent: string,
  variant: Variant,
): Omit<Workload, 'name'> | undefined {
  if (environment.balanced === undefined) return undefined;
  const { gateways, [count]: balancer } = environment.balanced;
  const behind = count === 'one' ? gateways.slice(0, 1) : gateways;
  const what = `${count === 'one' ? 'one gateway' : 'two gateways'} behind HAProxy, 32 callers, ${sent}`;
  return {
    ...overHttp(what, httpWork(environment, balancer, 'update', { callers: 32, ...variant }), behind),
    balancer,
  };
}

function comparedWith(
  oneGatewayName: string,
  workload: Omit<Workload, 'name'> | undefined,
): Omit<Workload, 'name'> | undefined {
  return workload && { ...workload, oneGatewayName };
}

export function overHttp(what: string, work: HttpWork, services: readonly ServiceProcess[]): Omit<Workload, 'name'> {
  return {
    what,
    callers: work.callers,
    itemsPerBatch: work.items,
    changesPerBatch: work.items - work.failing,
    services,
    drive: (seconds, signal) => driveHttp(work, seconds, signal),
  };
}

function direct(environment: BenchEnvironment, script: PgbenchWork['script'], what: string): Omit<Workload, 'name'> {
  const items = script === 'update_item' ? 1 : batchItems;
  const work: PgbenchWork = {
    pgbench: environment.pgbench,
    port: environment.postgres.port,
    script,
    connections: 8,
    teamId: environment.credentials.teamId,
    records: recordCount,
    // Logging every one of thousands of transactions per second would slow them down.
    sampled: script === 'update_item' ? 0.1 : 1,
    folder: environment.folder,
  };
  return {
    what,
    callers: work.connections,
    itemsPerBatch: items,
    changesPerBatch: items,
    services: [],
    drive: (seconds, signal) => drivePgbench(work, seconds, signal),
  };
}

function read(
  environment: BenchEnvironment,
  name: 'gateway' | 'textbook' | 'postgrest',
  { path, body }: Read,
  what: string,
): Omit<Workload, 'name'> {
  const service = environment[name === 'gateway' ? 'gateway' : 'textbook'];
  const prefix = name === 'postgrest' ? '/postgrest' : '';
  const url = `${service.url}${prefix}/v2/prism/${environment.credentials.teamId}/organization${path}`;
  const work = { ...httpWork(environment, service, '', { items: 0 }), url, ...(body !== undefined && { body }) };
  return overHttp(what, work, [service]);
}

function singleThroughPool({ postgres, credentials }: BenchEnvironment): Omit<Workload, 'name'> {
  return {
    what: 'the UPDATE of one item through a pooled connection of Node',
    note: 'a named statement that waits for the flush of its own commit; no validation, no results',
    callers: 1,
    itemsPerBatch: 1,
    changesPerBatch: 1,
    services: [],
    drive: (seconds, signal) => drivePool(postgres.url, credentials.teamId, seconds, signal),
  };
}

function emptyRequest(environment: BenchEnvironment): Omit<Workload, 'name'> {
  const work = {
    ...httpWork(environment, environment.textbook, '', { callers: 1, items: 0 }),
    url: `${environment.textbook.url}/empty`,
  };
  return overHttp('an HTTP request to an empty Nest handler', work, [environment.textbook]);
}
