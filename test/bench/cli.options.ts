import { parseArgs } from 'node:util';
import { type ContestantName, contestantNames, quickNames } from './contestants';
import type { Schedule } from './tournament';

export interface Options extends Schedule {
  names: readonly ContestantName[];
  /** Whether the neighbour of a caller of large batches is looked at. */
  fairness: boolean;
  /** Where the figures go as JSON. */
  json: string;
}

/** The command line is not as it should be. */
export class UsageError extends Error {}

export const usage = `npm run bench -- [--quick] [--seconds <n>] [--rounds <n>] [--only <name>]... [--json <file>]

  --quick    the rows that matter most, in 2 minutes
  --seconds  how long a turn is (default 5, quick 3)
  --rounds   how many turns each has (default 4, quick 3)
  --only     no more than these rows: fairness, ${wrapped(contestantNames)}
  --json     where the figures go (default dist/bench.json)
`;

/** @throws UsageError */
export function readOptions(given: string[]): Options {
  const { quick = false, seconds, rounds, only, json = 'dist/bench.json' } = parse(given);
  const unknown = only?.find((name) => name !== 'fairness' && !isName(name));
  if (unknown !== undefined) throw new UsageError(`--only ${unknown}: there is no such row`);
  return {
    names: only?.filter(isName) ?? (quick ? quickNames : contestantNames),
    fairness: only?.includes('fairness') ?? !quick,
    seconds: wholeNumber('seconds', seconds ?? (quick ? '3' : '5')),
    rounds: wholeNumber('rounds', rounds ?? (quick ? '3' : '4')),
    json,
  };
}

interface Given {
  quick?: boolean;
  seconds?: string;
  rounds?: string;
  only?: string[];
  json?: string;
}

function parse(args: string[]): Given {
  const text = { type: 'string' } as const;
  try {
    const options = {
      quick: { type: 'boolean' },
      seconds: text,
      rounds: text,
      only: { type: 'string', multiple: true },
      json: text,
    } as const;
    return parseArgs({ args, options, strict: true, allowPositionals: false }).values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

function wholeNumber(name: string, text: string): number {
  if (!/^[1-9]\d{0,4}$/.test(text)) throw new UsageError(`--${name} must be a whole number from 1`);
  return Number(text);
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
