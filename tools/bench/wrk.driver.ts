import { run, ToolMissing } from './command';
import { sourceFile } from '../../test/support/repository.files';
import { type Load, nextSeed } from './load';
import { idPrefix } from './organizations';

/** One application of one team, or many: a file with a line `<team id> <API key>` for each. Their records take turns. */
export type HttpCaller = { apiKey: string } | { teamsFile: string };

/** What is sent, again and again, by every caller. */
export interface HttpWork {
  url: string;
  caller: HttpCaller;
  callers: number;
  /** Items of a batch; 0: a GET without a body. */
  items: number;
  /** How many of a batch's items must fail. */
  failing: number;
  /** How many records a team has to choose from. */
  records: number;
  keyed: boolean;
  minimal: boolean;
}

interface WrkFigures {
  good: number;
  refused: number;
  unexpected: number;
  socketErrors: number;
  microseconds: number;
  p50: number;
  p95: number;
  p99: number;
  max: number;
}

/**
 * Sends batches over HTTP for so long, each caller the next one as soon as it has its answer.
 *
 * @throws ToolMissing
 * @throws Error if any answer is not as it should be
 */
export async function driveHttp(work: HttpWork, seconds: number, signal: AbortSignal): Promise<Load> {
  const yes = (value: boolean): string => (value ? 'yes' : 'no');
  const env = {
    BENCH_API_KEY: 'apiKey' in work.caller ? work.caller.apiKey : '',
    BENCH_TEAMS: 'teamsFile' in work.caller ? work.caller.teamsFile : '',
    BENCH_ITEMS: String(work.items),
    BENCH_FAILING: String(work.failing),
    BENCH_RECORDS: String(work.records),
    BENCH_PREFIX: idPrefix,
    BENCH_KEYED: yes(work.keyed),
    BENCH_MINIMAL: yes(work.minimal),
    BENCH_SEED: String(nextSeed()),
  };
  // One thread is enough for thousands of batches a second, and leaves the cores to those that are measured.
  const args = [
    '-t1',
    `-c${work.callers}`,
    `-d${seconds}s`,
    '--timeout',
    '30s',
    '-s',
    sourceFile('tools/bench/wrk/batch.lua'),
    work.url,
  ];
  return loadOf(await run('wrk', args, { env, signal }));
}

/** Reads what `wrk/batch.lua` says at its end. @throws Error if any answer was not as it should be */
export function loadOf(output: string): Load {
  const line = /^BENCH (\{.*\})$/m.exec(output)?.[1];
  if (line === undefined) throw new Error(`wrk did not say what it did:\n${output}`);
  const figures = JSON.parse(line) as WrkFigures; // the script writes it
  const { good, refused, unexpected, socketErrors } = figures;
  if (refused + unexpected + socketErrors > 0) {
    const complaint = /^COMPLAINT (.*)$/m.exec(output)?.[1] ?? '';
    throw new Error(
      `${good} answers were as expected, ${refused} were not 200, ${unexpected} had another number of failed items, ` +
        `${socketErrors} connections failed or gave up; for example: ${complaint}`,
    );
  }
  return {
    batches: good,
    seconds: figures.microseconds / 1e6,
    latencyMs: {
      p50: figures.p50 / 1e3,
      p95: figures.p95 / 1e3,
      p99: figures.p99 / 1e3,
      max: figures.max / 1e3,
    },
  };
}

/** @throws ToolMissing with how to install it */
export async function requireWrk(signal: AbortSignal): Promise<void> {
  try {
    await run('sh', ['-c', 'command -v wrk'], { signal });
  } catch (error) {
    if (signal.aborted) throw error;
    throw new ToolMissing('wrk is not installed: `apt-get install wrk`, `brew install wrk`, or github.com/wg/wrk');
  }
}
