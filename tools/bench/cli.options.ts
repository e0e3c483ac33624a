import { flag, type OptionValues, parseOptions, text, texts, UsageError } from '../command.line';
import { type WorkloadName, workloadNames, quickNames } from './workloads';
import type { Schedule } from './rounds';

/** Compares the gateway with its baselines. */
export interface ComparisonOptions extends Schedule {
  run: 'comparison';
  names: readonly WorkloadName[];
  /** Whether to measure a client beside a client with large batches. */
  fairness: boolean;
  json: string;
}

/** Measures the cost of an item with more data. */
export interface GrowthOptions extends Schedule {
  run: 'growth';
  /** Numbers of records, ascending: each case adds to the one before. */
  sizes: readonly number[];
  /** Numbers of teams. */
  teams: readonly number[];
  /** Items in the ledger in the last case; undefined: the items of one hour of keyed batches. */
  ledger: number | undefined;
  json: string;
}

/** Measures retained memory, and memory under large bodies. */
export interface MemoryOptions {
  run: 'memory';
  batches: number;
  /** Duration per kind of large body. */
  seconds: number;
  json: string;
}

/** Compares a Citus cluster with a single server. */
export interface ClusterOptions extends Schedule {
  run: 'cluster';
  json: string;
}

export type Options = ComparisonOptions | GrowthOptions | MemoryOptions | ClusterOptions;

const defaultSizes = '10k,1m,10m';

const optionTypes = {
  quick: flag,
  seconds: text,
  rounds: text,
  only: texts,
  json: text,
  growth: text,
  teams: text,
  ledger: text,
  memory: flag,
  batches: text,
  cluster: flag,
};
type Values = OptionValues<typeof optionTypes>;

export const usage = `npm run bench -- [--quick] [--seconds <n>] [--rounds <n>] [--only <name>]... [--json <file>]
npm run bench -- --growth[=<n>,...] [--teams <n>,...] [--ledger <n>] [--seconds <n>] [--rounds <n>] [--json <file>]
npm run bench -- --memory [--batches <n>] [--seconds <n>] [--json <file>]
npm run bench -- --cluster [--seconds <n>] [--rounds <n>] [--json <file>]

  --quick    the most important workloads, in 2 minutes
  --seconds  duration of a turn (default 5, quick 3); with --memory, duration per kind of body (default 15)
  --rounds   turns per workload (default 4, quick and growth 3)
  --only     only these workloads: fairness, ${wrapped(workloadNames)}
  --json     path of the JSON file (default dist/bench.json, dist/bench-growth.json, -memory.json or -cluster.json)

  --growth   cost per item with these numbers of records (default ${defaultSizes})
  --teams    and these numbers of teams (default 1,10k)
  --ledger   and this number of items in the ledger (default: an hour of keyed batches)

  --memory   memory after many batches, and with 64 callers that send 5 MiB bodies
  --batches  number of batches (default 20k)

  --cluster  a Citus cluster of one worker, compared with a single server
`;

/** @throws UsageError */
export function readOptions(given: string[]): Options {
  const args = given.map((argument) => (argument === '--growth' ? `--growth=${defaultSizes}` : argument));
  const values = parseOptions(args, optionTypes);
  if (values.growth !== undefined) return growthOptions(values.growth, values);
  if (values.cluster === true) return clusterOptions(values);
  return values.memory === true ? memoryOptions(values) : comparisonOptions(values);
}

function comparisonOptions({ quick = false, seconds, rounds, only, json }: Values): ComparisonOptions {
  const unknown = only?.find((name) => name !== 'fairness' && !isName(name));
  if (unknown !== undefined) throw new UsageError(`--only ${unknown}: unknown workload`);
  return {
    run: 'comparison',
    names: only?.filter(isName) ?? (quick ? quickNames : workloadNames),
    fairness: only?.includes('fairness') ?? !quick,
    seconds: wholeNumber('seconds', seconds ?? (quick ? '3' : '5')),
    rounds: wholeNumber('rounds', rounds ?? (quick ? '3' : '4')),
    json: json ?? 'dist/bench.json',
  };
}

function growthOptions(sizes: string, { teams, ledger, seconds, rounds, json }: Values): GrowthOptions {
  return {
    run: 'growth',
    sizes: wholeNumbers('growth', sizes),
    teams: wholeNumbers('teams', teams ?? '1,10k'),
    ledger: ledger === undefined ? undefined : wholeNumber('ledger', ledger),
    seconds: wholeNumber('seconds', seconds ?? '5'),
    rounds: wholeNumber('rounds', rounds ?? '3'),
    json: json ?? 'dist/bench-growth.json',
  };
}

function memoryOptions({ batches, seconds, json }: Values): MemoryOptions {
  return {
    run: 'memory',
    batches: wholeNumber('batches', batches ?? '20k'),
    seconds: wholeNumber('seconds', seconds ?? '15'),
    json: json ?? 'dist/bench-memory.json',
  };
}

function clusterOptions({ seconds, rounds, json }: Values): ClusterOptions {
  return {
    run: 'cluster',
    seconds: wholeNumber('seconds', seconds ?? '5'),
    rounds: wholeNumber('rounds', rounds ?? '4'),
    json: json ?? 'dist/bench-cluster.json',
  };
}

/** `12`, `10k` or `1m`. */
function wholeNumber(name: string, text: string): number {
  const [, digits, unit] = /^([1-9]\d{0,8})([km]?)$/.exec(text) ?? [];
  if (digits === undefined) throw new UsageError(`--${name} must be a whole number from 1, such as 12, 10k or 1m`);
  return Number(digits) * { '': 1, k: 1_000, m: 1_000_000 }[unit as '' | 'k' | 'm']; // the pattern allows only these
}

function wholeNumbers(name: string, text: string): number[] {
  return text
    .split(',')
    .map((each) => wholeNumber(name, each))
    .sort((a, b) => a - b);
}

function isName(name: string): name is WorkloadName {
  return (workloadNames as string[]).includes(name);
}

function wrapped(names: readonly string[]): string {
  const lines = [''];
  for (const name of names) {
    if ((lines.at(-1) ?? '').length > 80) lines.push('');
    lines.push(`${lines.pop() ?? ''}${name}, `);
  }
  return lines.join('\n             ').replace(/, $/, '');
}
