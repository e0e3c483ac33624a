import type { BenchContext } from './bench.context';
import type { ComparisonOptions } from './cli.options';
import { contestants } from './contestants';
import { type Fairness, measureFairness } from './fairness';
import { headerOf, machineFacts, writeFigures } from './machine.facts';
import { neighborsOf } from './neighbors';
import { fairnessText, legendOf, secondGatewayText, tableOf, targetText } from './report';
import { rowsOf } from './rows';
import { openEnvironment, type BenchEnvironment } from './bench.environment';
import { targetsOf } from './targets';
import { leadSeconds, playTournament } from './tournament';

/** The gateway and its yardsticks, in turns. */
export async function compare(options: ComparisonOptions, context: BenchContext): Promise<void> {
  const { log: say, print, signal } = context;
  const environment = await openEnvironment(context);
  const entrants = await playTournament(
    contestants(environment, options.names),
    environment.meter,
    options,
    say,
    signal,
  );
  const fairness: Fairness[] = [];
  for (const neighbor of options.fairness ? neighborsOf(environment) : []) {
    say(`fairness beside ${neighbor.what}`);
    fairness.push(await measureFairness(environment, neighbor, options, signal));
  }

  const machine = machineFacts();
  const rows = rowsOf(entrants, machine.cores);
  const targets = targetsOf(entrants, fairness);
  print(`\n${headerOf(machine, environment.settings.postgres, environment.settings.gateway)}`);
  if (rows.length > 0) print(`\n${legendOf(rows)}\n${tableOf(rows)}\n${logContextOf(options, environment)}`);
  const second = secondGatewayText(rows);
  if (second !== '') print(`\n${second}`);
  if (fairness.length > 0) print(`\n${fairnessText(fairness)}`);
  if (targets.length > 0) print(`\n${targetText(targets)}`);
  print('\n');

  const { rounds, seconds } = options;
  const schedule = { rounds, seconds, leadSeconds };
  writeFigures(options.json, { machine, settings: environment.settings, schedule, rows, fairness, targets }, context);
}

function logContextOf({ rounds, seconds }: ComparisonOptions, { balanced }: BenchEnvironment): string {
  return [
    `${rounds} turns of ${seconds} s each, in turns, after ${leadSeconds} s unmeasured; figures are medians over turns, ratios compare turn by turn: median (least..most)`,
    'all on the same 100,000 organizations of about 300 bytes; each item sets employees and stage of a random one, its version and its time',
    'latency of a batch: wrk counts a late answer also for those that would have been sent meanwhile; of pgbench a sample',
    'us: CPU in microseconds an item; service: the gateway, or what stands in its place. cores: services + Postgres / everything that runs',
    ...(balanced === undefined ? ['HAProxy is not on this machine: its rows are left out'] : []),
    '',
  ].join('\n');
}
