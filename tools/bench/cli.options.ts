import { parseArgs } from 'node:util';
import { type ContestantName, contestantNames, quickNames } from './contestants';
import type { Schedule } from './tournament';

/** The gateway and its yardsticks. */
export interface ComparisonOptions extends Schedule {
  run: 'comparison';
  names: readonly ContestantName[];
  /** Whether the neighbour of a caller of large batches is looked at. */
  fairness: boolean;
  json: string;
}

/** What an item costs when there is more of everything. */
export interface GrowthOptions extends Schedule {
  run: 'growth';
  /** How many records there are, ascending: each is grown out of the one before. */
  sizes: readonly number[];
  /** How many teams they belong to. */
  teams: readonly number[];
  /** Items in the ledger of the last case; undefined: what an hour of keyed batches leaves. */
  ledger: number | undefined;
  json: string;
}

/** What the gateway keeps, and whether it can be made to die. */
export interface MemoryOptions {
  run: 'memory';
  batches: number;
  /** How long each kind of large body is sent. */
  seconds: number;
  json: string;
}

export type Options = ComparisonOptions | GrowthOptions | MemoryOptions;

/** The command line is not as it should be. */
export class UsageError extends Error {}

const defaultSizes = '10k,1m,10m';

export const usage = `npm run bench -- [--quick] [--seconds <n>] [--rounds <n>] [--only <name>]... [--json <file>]
npm run bench -- --growth[=<n>,...] [--teams <n>,...] [--ledger <n>] [--seconds <n>] [--rounds <n>] [--json <file>]
npm run bench -- --memory [--batches <n>] [--seconds <n>] [--json <file>]

  --quick    the rows that matter most, in 2 minutes
  --seconds  how long a turn is (default 5, quick 3); of --memory, how long each kind of body is sent (default 15)
  --rounds   how many turns each has (default 4, quick and growth 3)
  --only     no more than these rows: fairness, ${wrapped(contestantNames)}
  --json     where the figures go (default dist/bench.json, dist/bench-growth.json, dist/bench-memory.json)

  --growth   what an item costs with so many records (default ${defaultSizes})
  --teams    and so many teams (default 1,10k)
  --ledger   and so many items in the ledger (default: an hour of keyed batches)

  --memory   what the gateway keeps after many batches, and what 64 callers with 5 MiB bodies do to it
  --batches  how many (default 20k)
`;

/** @throws UsageError */
export function readOptions(given: string[]): Options {
  const values = parse(given.map((argument) => (argument === '--growth' ? `--growth=${defaultSizes}` : argument)));
  if (values.growth !== undefined) return growthOptions(values.growth, values);
  return values.memory === true ? memoryOptions(values) : comparisonOptions(values);
}

interface Given {
  quick?: boolean;
  seconds?: string;
  rounds?: string;
  only?: string[];
  json?: string;
  growth?: string;
  teams?: string;
  ledger?: string;
  memory?: boolean;
  batches?: string;
}

function comparisonOptions({ quick = false, seconds, rounds, only, json }: Given): ComparisonOptions {
  const unknown = only?.find((name) => name !== 'fairness' && !isName(name));
  if (unknown !== undefined) throw new UsageError(`--only ${unknown}: there is no such row`);
  return {
    run: 'comparison',
    names: only?.filter(isName) ?? (quick ? quickNames : contestantNames),
    fairness: only?.includes('fairness') ?? !quick,
    seconds: wholeNumber('seconds', seconds ?? (quick ? '3' : '5')),
    rounds: wholeNumber('rounds', rounds ?? (quick ? '3' : '4')),
    json: json ?? 'dist/bench.json',
  };
}

function growthOptions(sizes: string, { teams, ledger, seconds, rounds, json }: Given): GrowthOptions {
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

function memoryOptions({ batches, seconds, json }: Given): MemoryOptions {
  return {
    run: 'memory',
    batches: wholeNumber('batches', batches ?? '20k'),
    seconds: wholeNumber('seconds', seconds ?? '15'),
    json: json ?? 'dist/bench-memory.json',
  };
}

function parse(args: string[]): Given {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean' } as const;
  try {
    const options = {
      quick: flag,
      seconds: text,
      rounds: text,
      only: { type: 'string', multiple: true },
      json: text,
      growth: text,
      teams: text,
      ledger: text,
      memory: flag,
      batches: text,
    } as const;
    return parseArgs({ args, options, strict: true, allowPositionals: false }).values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

/** `12`, `10k` or `1m`. */
function wholeNumber(name: string, text: string): number {
  const [, digits, unit] = /^([1-9]\d{0,8})([km]?)$/.exec(text) ?? [];
  if (digits === undefined) throw new UsageError(`--${name} must be a whole number from 1, such as 12, 10k or 1m`);
  return Number(digits) * { '': 1, k: 1_000, m: 1_000_000 }[unit as '' | 'k' | 'm']; // as the pattern has it
}

function wholeNumbers(name: string, text: string): number[] {
  return text
    .split(',')
    .map((each) => wholeNumber(name, each))
    .sort((a, b) => a - b);
}

function isName(name: string): name is ContestantName {
  return (contestantNames as string[]).includes(name);
}

function wrapped(names: readonly string[]): string {
  const lines = [''];
  for (const name of names) {
    if ((lines.at(-1) ?? '').length > 80) lines.push('');
    lines.push(`${lines.pop() ?? ''}${name}, `);
  }
  return lines.join('\n             ').replace(/, $/, '');
}
