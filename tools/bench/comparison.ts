import type { BenchContext } from './bench.context';
import type { ComparisonOptions } from './cli.options';
import { type Workload, workloads } from './workloads';
import { type Fairness, measureFairness } from './fairness';
import { headerOf, machineFacts, writeFigures } from './machine.facts';
import { neighborsOf } from './neighbors';
import { fairnessText, legendOf, secondGatewayText, comparisonTable, targetText } from './report';
import { rowsOf } from './rows';
import { openEnvironment, type BenchEnvironment } from './bench.environment';
import { targetsOf } from './targets';
import { leadSeconds, runRounds } from './rounds';
import { takeTurn, type Turn } from './turn';

/** Compares the gateway with its baselines. */
export async function compare(options: ComparisonOptions, context: BenchContext): Promise<void> {
  const { log, print, signal } = context;
  const environment = await openEnvironment(context, options.names.includes('import'));
  const take = (workload: Workload): Promise<Turn> => takeTurn(workload, environment.meter, options.seconds, signal);
  const measured = await runRounds(workloads(environment, options.names), take, options.rounds, context);
  const fairness: Fairness[] = [];
  for (const neighbor of options.fairness ? neighborsOf(environment) : []) {
    log(`fairness beside ${neighbor.what}`);
    fairness.push(await measureFairness(environment, neighbor, options, signal));
  }

  const machine = machineFacts();
  const rows = rowsOf(measured, machine.cores);
  const targets = targetsOf(measured, fairness);
  print(`\n${headerOf(machine, environment.settings.postgres, environment.settings.gateway)}`);
  if (rows.length > 0) print(`\n${legendOf(rows)}\n${comparisonTable(rows)}\n${conditionsOf(options, environment)}`);
  const second = secondGatewayText(rows);
  if (second !== '') print(`\n${second}`);
  if (fairness.length > 0) print(`\n${fairnessText(fairness)}`);
  if (targets.length > 0) print(`\n${targetText(targets)}`);
  print('\n');

  const { rounds, seconds } = options;
  const schedule = { rounds, seconds, leadSeconds };
  writeFigures(options.json, { machine, settings: environment.settings, schedule, rows, fairness, targets }, context);
}

function conditionsOf({ rounds, seconds }: ComparisonOptions, { balanced }: BenchEnvironment): string {
  return [
    `${rounds} turns of ${seconds} s each, in turns, after ${leadSeconds} s unmeasured; figures are medians over turns, ratios compare turn by turn: median (least..most)`,
    'all on the same 100,000 organizations of about 300 bytes; each item sets employees and stage of a random one, its version and its time',
    'latency of a batch: wrk corrects for requests delayed by a late response; pgbench reports a sample',
    'us: CPU in microseconds per item; service: the gateway or its replacement. cores: services + Postgres / the whole machine',
    ...(balanced === undefined ? ['HAProxy is not installed: its rows are omitted'] : []),
    '',
  ].join('\n');
}
