import { mkdirSync, statfsSync, writeFileSync } from 'node:fs';
import { cpus, release, tmpdir, totalmem } from 'node:os';
import { dirname } from 'node:path';
import { type Options, readOptions, usage, UsageError } from './cli.options';
import { ToolMissing } from './command';
import { contestants } from './contestants';
import { type Fairness, measureFairness } from './fairness';
import { coresText, fairnessText, legendOf, rowsOf, tableOf, targetText } from './report';
import { Cleanup } from './cleanup';
import { openStage, type Stage } from './stage';
import { targetsOf } from './targets';
import { leadSeconds, playTournament } from './tournament';
import { requireWrk } from './wrk.driver';

/** One caller in the sense of the table, and one that asks for more than there are connections. */
const heavyConnections = [1, 32];
const tmpfs = 0x01021994; // as statfs(2) calls it

async function bench(options: Options, stage: Stage, signal: AbortSignal): Promise<void> {
  const entrants = await playTournament(contestants(stage, options.names), stage.meter, options, say, signal);
  const fairness: Fairness[] = [];
  for (const connections of options.fairness ? heavyConnections : []) {
    say(`fairness beside ${connections} in flight`);
    fairness.push(await measureFairness(stage, connections, options, signal));
  }

  const machine = machineFacts();
  const rows = rowsOf(entrants, machine.cores);
  const targets = targetsOf(entrants, fairness);
  if (rows.length > 0) print(`\n${legendOf(rows)}\n${tableOf(rows)}${coresText(rows)}`);
  if (fairness.length > 0) print(`\n${fairnessText(fairness)}`);
  if (targets.length > 0) print(`\n${targetText(targets)}`);
  print(`\n${notesOf(options, stage, machine)}`);

  const { rounds, seconds } = options;
  const report = { at: new Date(), machine, settings: stage.settings, schedule: { rounds, seconds, leadSeconds } };
  mkdirSync(dirname(options.json), { recursive: true });
  writeFileSync(options.json, `${JSON.stringify({ ...report, rows, fairness, targets }, null, 2)}\n`);
  print(`all figures, turn by turn: ${options.json}\n`);
}

interface MachineFacts {
  processor: string;
  cores: number;
  memoryMebibytes: number;
  kernel: string;
  node: string;
  /** Whether the data of Postgres is on a disk: in memory, fsync costs nothing. */
  onDisk: boolean;
}

function machineFacts(): MachineFacts {
  return {
    processor: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    memoryMebibytes: Math.round(totalmem() / 2 ** 20),
    kernel: release(),
    node: process.version,
    onDisk: statfsSync(tmpdir()).type !== tmpfs,
  };
}

function notesOf({ rounds, seconds }: Options, { settings, balanced }: Stage, machine: MachineFacts): string {
  const list = (values: Record<string, string> = {}): string =>
    Object.entries(values)
      .map(([name, value]) => `${name}=${value}`)
      .join(' ');
  return [
    `machine: ${machine.processor}, ${machine.cores} cores, Linux ${machine.kernel}, Node ${machine.node}; shared by everything in the table`,
    ...(machine.onDisk
      ? []
      : ['WARNING: the data is in memory, so fsync costs nothing; set TMPDIR to a folder on a disk']),
    `Postgres: ${list(settings.postgres)}`,
    `gateway: one process, ${list(settings.gateway)}, else defaults`,
    `${rounds} turns of ${seconds} s each, in turns, after ${leadSeconds} s unmeasured; figures are medians over turns, ratios compare turn by turn: median (least..most)`,
    '100,000 organizations of about 300 bytes; each item sets employees and stage of a random one; answers carry the records',
    'latency of a batch: wrk counts a late answer also for those that would have been sent meanwhile; of pgbench a sample',
    'us: CPU in microseconds an item; service: the gateway, or what stands in its place. cores: services + Postgres / everything that runs',
    ...(balanced === undefined ? ['HAProxy is not on this machine: its rows are left out'] : []),
    '',
  ].join('\n');
}

async function main(): Promise<number> {
  const options = readOptions(process.argv.slice(2));
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => {
      stop.abort(new Interrupted(`ended by ${signal}`));
    });
  }
  await requireWrk(stop.signal);
  const cleanup = new Cleanup();
  try {
    const stage = await openStage(cleanup, stop.signal, say);
    await bench(options, stage, stop.signal);
    return 0;
  } catch (error) {
    // A Ctrl-C reaches the servers as well: whatever failed then failed because of it.
    stop.signal.throwIfAborted();
    throw error;
  } finally {
    await cleanup.run();
  }
}

/** Someone had seen enough. */
class Interrupted extends Error {}

function say(line: string): void {
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
