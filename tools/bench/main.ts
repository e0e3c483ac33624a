import type { BenchContext } from './bench.context';
import { Cleanup } from '../../test/support/cleanup';
import { abortedBySignals, Interrupted, UsageError } from '../command.line';
import { type Options, readOptions, usage } from './cli.options';
import { measureCluster } from './cluster/cluster.run';
import { ToolMissing } from './command';
import { compare } from './comparison';
import { measureGrowth } from './growth/growth.run';
import { measureMemory } from './memory/memory.run';
import { requireWrk } from './wrk.driver';

async function main(): Promise<number> {
  const options = readOptions(process.argv.slice(2));
  const signal = abortedBySignals();
  await requireWrk(signal);
  const cleanup = new Cleanup();
  try {
    await run(options, { cleanup, signal, log, print });
    return 0;
  } catch (error) {
    // Ctrl-C also ends the servers, so that a failure after it is a consequence.
    signal.throwIfAborted();
    throw error;
  } finally {
    await cleanup.run();
  }
}

function run(options: Options, context: BenchContext): Promise<void> {
  switch (options.run) {
    case 'comparison':
      return compare(options, context);
    case 'growth':
      return measureGrowth(options, context);
    case 'memory':
      return measureMemory(options, context);
    case 'cluster':
      return measureCluster(options, context);
  }
}

function log(line: string): void {
  process.stderr.write(`${(performance.now() / 1_000).toFixed(0).padStart(5)} s  ${line}\n`);
}

function print(text: string): void {
  process.stdout.write(text);
}

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    process.stderr.write(error instanceof UsageError ? `${error.message}\n\n${usage}` : `${describe(error)}\n`);
    process.exit(error instanceof Interrupted ? 130 : 2);
  },
);

function describe(error: unknown): string {
  if (error instanceof ToolMissing || error instanceof Interrupted) return error.message;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
