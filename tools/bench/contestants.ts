import type { Load } from './load';
import { recordCount } from './organizations';
import { drivePgbench, type PgbenchWork } from './pgbench.driver';
import { drivePool } from './pool.driver';
import type { ServiceProcess } from './service.process';
import type { BenchEnvironment } from './bench.environment';
import { driveHttp, type HttpWork } from './wrk.driver';

/** One row of the table: someone who does the work, and how it is given. */
export interface Contestant {
  name: string;
  /** What is sent, and how. */
  what: string;
  /** Of a yardstick: what makes it comparable, and what it is spared. */
  note?: string;
  callers: number;
  itemsPerBatch: number;
  /** Records that a batch changes; fewer than its items if some of them must fail. */
  changesPerBatch: number;
  /** Whose CPU an item costs, beside that of Postgres. */
  services: readonly ServiceProcess[];
  /** What stands in between. */
  between?: ServiceProcess;
  /** Of two gateways: the name of the row that shows one. */
  besideName?: string;
  drive(seconds: number, signal: AbortSignal): Promise<Load>;
}

interface Entry {
  /** Whether it takes part in a quick run. */
  quick?: true;
  of(environment: BenchEnvironment): Omit<Contestant, 'name'> | undefined;
}

const batchItems = 100;

/** In the order in which they take their turns: what is compared stands close together. */
const entries = {
  pgbench: {
    quick: true,
    of: (environment) => ({
      ...straight(environment, 'update-item', 'pgbench: an UPDATE by primary key, a transaction each'),
      note: '-M prepared, 8 connections, 2 threads; each waits for its own commit on disk; nothing is checked or returned',
    }),
  },
  plain: { quick: true, of: (environment) => gateway(environment, 'batches of 100', {}) },
  keyed: {
    quick: true,
    of: (environment) => gateway(environment, 'each batch with a fresh Idempotency-Key', { keyed: true }),
  },
  'plain-1': { of: (environment) => gateway(environment, 'one caller', { callers: 1 }) },
  'plain-32': { of: (environment) => gateway(environment, '32 callers', { callers: 32 }) },
  minimal: { of: (environment) => gateway(environment, 'answers without the records', { minimal: true }) },
  'items-1': { of: (environment) => gateway(environment, 'batches of 1', { items: 1 }) },
  'items-10': { of: (environment) => gateway(environment, 'batches of 10', { items: 10 }) },
  failing: {
    of: (environment) => gateway(environment, '5 unknown records and 5 bad values in each batch', { failing: 10 }),
  },
  hot: { of: (environment) => gateway(environment, 'all callers on the same 100 records', { records: 100 }) },
  ceiling: {
    quick: true,
    of: (environment) => ({
      ...straight(environment, 'update-together', 'pgbench: one UPDATE of 100 in a single transaction'),
      note: '-M prepared; the server draws records and values itself; no item can fail alone; nothing is returned',
    }),
  },
  'ceiling-http': {
    quick: true,
    of: (environment) => ({
      ...textbook(environment, 'together', 'the same over HTTP: bare Nest handler, nothing checked'),
      note: 'prepared; the body goes to Postgres as it came, and the records come back as the text of the answer',
    }),
  },
  'textbook-loop': {
    quick: true,
    of: (environment) => ({
      ...textbook(environment, 'update?way=loop', 'textbook gateway, a transaction an item, in a loop'),
      note: 'BEGIN, SELECT FOR UPDATE, UPDATE, COMMIT; class-validator; a pool of 10; answers with the records',
    }),
  },
  'textbook-all': {
    quick: true,
    of: (environment) => ({
      ...textbook(environment, 'update?way=all', 'textbook gateway, a transaction an item, with Promise.all'),
      note: 'the transactions of the loop, as many at once as the pool has connections',
    }),
  },
  single: { of: (environment) => gateway(environment, 'batches of 1, one caller', { items: 1, callers: 1 }) },
  'single-pool': { of: singleThroughPool },
  'single-empty': { of: emptyRequest },
  'haproxy-1': { of: (environment) => balanced(environment, 'one', 'batches of 100', {}) },
  'haproxy-2': { of: (environment) => beside('haproxy-1', balanced(environment, 'two', 'batches of 100', {})) },
  'haproxy-1-single': { of: (environment) => balanced(environment, 'one', 'batches of 1', { items: 1 }) },
  'haproxy-2-single': {
    of: (environment) => beside('haproxy-1-single', balanced(environment, 'two', 'batches of 1', { items: 1 })),
  },
} satisfies Record<string, Entry>;

export type ContestantName = keyof typeof entries;

export const contestantNames = Object.keys(entries) as ContestantName[]; // the keys of a literal

export const quickNames = contestantNames.filter((name) => 'quick' in entries[name]);

/** Those that can take part in this environment. */
export function contestants(environment: BenchEnvironment, names: readonly ContestantName[]): Contestant[] {
  return names.flatMap((name) => {
    const contestant: Omit<Contestant, 'name'> | undefined = entries[name].of(environment);
    return contestant === undefined ? [] : [{ name, ...contestant }];
  });
}

type Variant = Partial<Pick<HttpWork, 'callers' | 'items' | 'failing' | 'records' | 'keyed' | 'minimal'>>;

/** What callers send unless a variant says otherwise. */
export function httpWork(
  { credentials }: BenchEnvironment,
  service: ServiceProcess,
  route: string,
  variant: Variant,
): HttpWork {
  return {
    url: `${service.url}/v2/prism/${credentials.teamId}/organization/batch/${route}`,
    caller: { apiKey: credentials.apiKey },
    callers: 8,
    items: batchItems,
    failing: 0,
    records: recordCount,
    keyed: false,
    minimal: false,
    ...variant,
  };
}

function gateway(environment: BenchEnvironment, what: string, variant: Variant): Omit<Contestant, 'name'> {
  return overHttp(what, httpWork(environment, environment.gateway, 'update', variant), [environment.gateway]);
}

function textbook(environment: BenchEnvironment, route: string, what: string): Omit<Contestant, 'name'> {
  return overHttp(what, httpWork(environment, environment.textbook, route, {}), [environment.textbook]);
}

function balanced(
  environment: BenchEnvironment,
  count: 'one' | 'two',
  sent: string,
  variant: Variant,
): Omit<Contestant, 'name'> | undefined {
  if (environment.balanced === undefined) return undefined;
  const { gateways, [count]: between } = environment.balanced;
  const behind = count === 'one' ? gateways.slice(0, 1) : gateways;
  const what = `${count === 'one' ? 'one gateway' : 'two gateways'} behind HAProxy, 32 callers, ${sent}`;
  return { ...overHttp(what, httpWork(environment, between, 'update', { callers: 32, ...variant }), behind), between };
}

function beside(
  besideName: string,
  contestant: Omit<Contestant, 'name'> | undefined,
): Omit<Contestant, 'name'> | undefined {
  return contestant && { ...contestant, besideName };
}

function overHttp(what: string, work: HttpWork, services: readonly ServiceProcess[]): Omit<Contestant, 'name'> {
  return {
    what,
    callers: work.callers,
    itemsPerBatch: work.items,
    changesPerBatch: work.items - work.failing,
    services,
    drive: (seconds, signal) => driveHttp(work, seconds, signal),
  };
}

function straight(
  environment: BenchEnvironment,
  script: PgbenchWork['script'],
  what: string,
): Omit<Contestant, 'name'> {
  const items = script === 'update-item' ? 1 : batchItems;
  const work: PgbenchWork = {
    pgbench: environment.pgbench,
    port: environment.postgres.port,
    script,
    connections: 8,
    teamId: environment.credentials.teamId,
    records: recordCount,
    // Writing down each of thousands of transactions a second would cost them something.
    sampled: script === 'update-item' ? 0.1 : 1,
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

function singleThroughPool({ postgres, credentials }: BenchEnvironment): Omit<Contestant, 'name'> {
  return {
    what: 'the UPDATE of one item through a pooled connection of Node',
    note: 'a named statement, waiting for its own commit on disk; nothing is checked or returned',
    callers: 1,
    itemsPerBatch: 1,
    changesPerBatch: 1,
    services: [],
    drive: (seconds, signal) => drivePool(postgres.url, credentials.teamId, seconds, signal),
  };
}

function emptyRequest(environment: BenchEnvironment): Omit<Contestant, 'name'> {
  const work = {
    ...httpWork(environment, environment.textbook, '', { callers: 1, items: 0 }),
    url: `${environment.textbook.url}/empty`,
  };
  return overHttp('an HTTP request that does nothing, to a bare Nest handler', work, [environment.textbook]);
}
