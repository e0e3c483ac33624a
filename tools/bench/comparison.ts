import type { BenchContext } from './bench.context';
import type { ComparisonOptions } from './cli.options';
import { contestants } from './contestants';
import { type Fairness, measureFairness } from './fairness';
import { headerOf, machineFacts, writeFigures } from './machine.facts';
import { neighborsOf } from './neighbors';
import { fairnessText, legendOf, secondGatewayText, tableOf, targetText } from './report';
import { rowsOf } from './rows';
import { openStage, type Stage } from './stage';
import { targetsOf } from './targets';
import { leadSeconds, playTournament } from './tournament';

/** The gateway and its yardsticks, in turns. */
export async function compare(options: ComparisonOptions, context: BenchContext): Promise<void> {
  const { log: say, print, signal } = context;
  const stage = await openStage(context);
  const entrants = await playTournament(contestants(stage, options.names), stage.meter, options, say, signal);
  const fairness: Fairness[] = [];
  for (const neighbor of options.fairness ? neighborsOf(stage) : []) {
    say(`fairness beside ${neighbor.what}`);
    fairness.push(await measureFairness(stage, neighbor, options, signal));
  }

  const machine = machineFacts();
  const rows = rowsOf(entrants, machine.cores);
  const targets = targetsOf(entrants, fairness);
  print(`\n${headerOf(machine, stage.settings.postgres, stage.settings.gateway)}`);
  if (rows.length > 0) print(`\n${legendOf(rows)}\n${tableOf(rows)}\n${logContextOf(options, stage)}`);
  const second = secondGatewayText(rows);
  if (second !== '') print(`\n${second}`);
  if (fairness.length > 0) print(`\n${fairnessText(fairness)}`);
  if (targets.length > 0) print(`\n${targetText(targets)}`);
  print('\n');

  const { rounds, seconds } = options;
  const schedule = { rounds, seconds, leadSeconds };
  writeFigures(options.json, { machine, settings: stage.settings, schedule, rows, fairness, targets }, context);
}

function logContextOf({ rounds, seconds }: ComparisonOptions, { balanced }: Stage): string {
  return [
    `${rounds} turns of ${seconds} s each, in turns, after ${leadSeconds} s unmeasured; figures are medians over turns, ratios compare turn by turn: median (least..most)`,
    'all on the same 100,000 organizations of about 300 bytes; each item sets employees and stage of a random one, its version and its time',
    'latency of a batch: wrk counts a late answer also for those that would have been sent meanwhile; of pgbench a sample',
    'us: CPU in microseconds an item; service: the gateway, or what stands in its place. cores: services + Postgres / everything that runs',
    ...(balanced === undefined ? ['HAProxy is not on this machine: its rows are left out'] : []),
    '',
  ].join('\n');
}
