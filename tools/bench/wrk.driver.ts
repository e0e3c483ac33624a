import { run, ToolMissing } from './command';
import { sourceFile } from '../../test/support/repository.files';
import { type Load, nextSeed } from './load';
import { idPrefix } from './organizations';

/** One client, or a file with a line `<team id> <API key>` per team, which are used alternately. */
export type HttpCaller = { apiKey: string } | { teamsFile: string };

/** The requests that every caller repeats. */
export interface HttpWork {
  url: string;
  caller: HttpCaller;
  callers: number;
  /**
   * `batch`: a batch whose items have ids. `match`: one whose items match a value. `patch`, `upsert`: one record at a time, by its id
   * or by a value; the URL is that of the object type.
   */
  sent: 'batch' | 'match' | 'patch' | 'upsert';
  /** Items per batch; 0: no batch but `body`. */
  items: number;
  /** Without items: the body of a POST; undefined: a GET. */
  body?: string;
  /** Items per batch that fail intentionally. */
  failing: number;
  /** Records per team. */
  records: number;
  keyed: boolean;
  minimal: boolean;
}

interface WrkFigures {
  good: number;
  rejected: number;
  unexpected: number;
  socketErrors: number;
  microseconds: number;
  p50: number;
  p95: number;
  p99: number;
  max: number;
}

/**
 * Sends batches over HTTP. Each caller sends the next one when it has received a response.
 *
 * @throws ToolMissing
 * @throws Error if a response is not as expected
 */
export async function driveHttp(work: HttpWork, seconds: number, signal: AbortSignal): Promise<Load> {
  const yes = (value: boolean): string => (value ? 'yes' : 'no');
  const env = {
    BENCH_API_KEY: 'apiKey' in work.caller ? work.caller.apiKey : '',
    BENCH_TEAMS: 'teamsFile' in work.caller ? work.caller.teamsFile : '',
    BENCH_SENT: work.sent,
    BENCH_ITEMS: String(work.items),
    BENCH_BODY: work.body ?? '',
    BENCH_FAILING: String(work.failing),
    BENCH_RECORDS: String(work.records),
    BENCH_PREFIX: idPrefix,
    BENCH_KEYED: yes(work.keyed),
    BENCH_MINIMAL: yes(work.minimal),
    BENCH_SEED: String(nextSeed()),
  };
  // One thread is enough for thousands of batches per second, and leaves the cores to the measured programs.
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

/** Reads the summary of `wrk/batch.lua`. @throws Error if a response was not as expected */
export function loadOf(output: string): Load {
  const line = /^BENCH (\{.*\})$/m.exec(output)?.[1];
  if (line === undefined) throw new Error(`wrk printed no summary:\n${output}`);
  const figures = JSON.parse(line) as WrkFigures; // written by the script
  const { good, rejected, unexpected, socketErrors } = figures;
  if (rejected + unexpected + socketErrors > 0) {
    const example = /^EXAMPLE (.*)$/m.exec(output)?.[1] ?? '';
    throw new Error(
      `${good} responses were as expected, ${rejected} were not 200, ${unexpected} had another number of failed items, ` +
        `${socketErrors} connections failed or timed out; for example: ${example}`,
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

/** @throws ToolMissing with the command to install it */
export async function requireWrk(signal: AbortSignal): Promise<void> {
  try {
    await run('sh', ['-c', 'command -v wrk'], { signal });
  } catch (error) {
    if (signal.aborted) throw error;
    throw new ToolMissing('wrk is not installed: `apt-get install wrk`, `brew install wrk`, or github.com/wg/wrk');
  }
}
