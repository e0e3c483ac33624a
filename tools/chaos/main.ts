import { writeFileSync } from 'node:fs';
import { inspect } from 'node:util';
import type { Figures } from './checker/exactly-once.checker';
import { abortedBySignals, Interrupted, UsageError } from '../command.line';
import { type Options, readOptions, usage } from './cli.options';
import { type Mutant, mutants } from './mutants/mutant.catalogue';
import { Random } from '../../test/support/random';
import { saveRound, progressLine, type Summary, summaryText, violationText } from './report';
import { runRound, type RoundProgress } from './round';
import { failoverPlan, fullPlan, patroniPlan, type RoundPlan } from './round.plan';
import { ChaosEnvironment } from './chaos.environment';

const progressEveryMs = 10_000;
/** The histories of a round are checked and discarded when it ends, which bounds memory. */
const maxRoundMs = 60_000;

const plans = { single: fullPlan, pair: failoverPlan, patroni: patroniPlan };

const none: Figures = {
  requests: 0,
  batches: 0,
  items: 0,
  attempts: 0,
  retries: 0,
  withoutResponse: 0,
  resumedItems: 0,
  fullReplays: 0,
  appliedItems: 0,
  importedRows: 0,
  unknownItems: 0,
  lost: 0,
  duplicated: 0,
};

/** Runs rounds until the time is over or a violation is found. */
async function run(
  options: Options,
  environment: ChaosEnvironment,
  random: Random,
  stop: AbortSignal,
): Promise<Summary> {
  const startedAt = performance.now();
  const mutant: Mutant | undefined = options.mutant && mutants[options.mutant];
  const faults: RoundProgress['faults'] = {};
  let figures = none;
  const firstWrites: Summary['firstWrites'] = [];
  let backends = 0;
  let violations = 0;
  let rounds = 0;
  let remainingMs = options.durationMs;
  for (; remainingMs > 0 && violations === 0; rounds++) {
    const durationMs = Math.min(remainingMs, maxRoundMs);
    const plan: RoundPlan = mutant?.plan ?? { ...plans[options.servers], durationMs };
    const progress: RoundProgress = { histories: [], imports: [], faults };
    const ticker = setInterval(() => {
      print(`${progressLine(performance.now() - startedAt, figures, progress)}\n`);
    }, progressEveryMs);
    try {
      const result = await runRound(environment, plan, random.fork(`round ${rounds}`), progress, stop);
      figures = sum(figures, result.figures);
      firstWrites.push(...result.firstWrites);
      backends = Math.max(backends, result.backends);
      violations = result.violations.length;
      if (violations > 0) print(`${violationText(result.violations)}histories: ${saveRound(result, environment)}\n`);
    } finally {
      clearInterval(ticker);
    }
    remainingMs -= plan.durationMs;
  }
  const seconds = (performance.now() - startedAt) / 1_000;
  const common = { seed: options.seed, mutant: options.mutant ?? null, seconds, rounds };
  return { ...common, figures, faults, firstWrites, backends, violations };
}

function sum(a: Figures, b: Figures): Figures {
  const total = { ...a };
  for (const name of Object.keys(total) as (keyof Figures)[]) total[name] += b[name]; // the keys of Figures
  return total;
}

async function main(): Promise<number> {
  const options = readOptions(process.argv.slice(2));
  print(`seed ${options.seed}\n`);
  const stop = abortedBySignals();
  const random = new Random(options.seed);
  const environment = await ChaosEnvironment.open(random, options);
  try {
    const summary = await run(options, environment, random, stop);
    print(summaryText(summary));
    if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify(summary, null, 2)}\n`);
    if (summary.violations > 0) return 1;
    if (options.mutant !== undefined) print(`the mutant was not detected: ${mutants[options.mutant].summary}\n`);
    return 0;
  } finally {
    await environment.close();
  }
}

function print(text: string): void {
  process.stdout.write(text);
}

/** Exit code 2: the run has no verdict. */
function fail(error: unknown): never {
  if (error instanceof UsageError) process.stderr.write(`${error.message}\n\n${usage}`);
  else process.stderr.write(`${error instanceof Interrupted ? error.message : inspect(error)}\n`);
  process.exit(2);
}

process.on('uncaughtException', fail);
main().then((code) => process.exit(code), fail);
