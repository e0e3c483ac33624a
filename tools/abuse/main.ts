import { readFileSync, writeFileSync } from 'node:fs';
import { migrate, openDatabase } from '#libs/database';
import { machineFacts } from '../bench/machine.facts';
import { Cleanup } from '../../test/support/cleanup';
import { PostgresServer } from '../../test/support/postgres.server';
import { startRedis } from '../../test/support/redis.server';
import { abortedBySignals, UsageError } from '../command.line';
import { type Options, readOptions, usage } from './cli.options';
import { sectionOf, trialTable, withSection } from './report';
import { type TrialContext, type TrialResult, runTrial } from './trial';
import { countsText, exitCodeOf, verdictOf } from './verdict';

const STATEMENT_MS = 60_000;

/** Runs the attacks one after the other, each against a gateway of its own. @returns the exit code */
async function main(options: Options, signal: AbortSignal): Promise<number> {
  const cleanup = new Cleanup();
  try {
    const context = await openContext(cleanup, signal);
    const results: TrialResult[] = [];
    for (const attack of options.attacks) {
      log(`${attack.name}: the attacker ${attack.summary}`);
      const result = await runTrial(attack, options.seconds, context);
      results.push(result);
      log(outcomeText(result));
    }
    process.stdout.write(`\n${trialTable(results)}\n`);
    write(options, results);
    return exitCodeOf(results.map(verdictOf), options.strict);
  } finally {
    await cleanup.run();
  }
}

async function openContext(cleanup: Cleanup, signal: AbortSignal): Promise<TrialContext> {
  const postgres = await PostgresServer.create({
    max_connections: '100',
    shared_buffers: '256MB',
    max_wal_size: '4GB',
  });
  cleanup.add(() => postgres.remove());
  const redis = await startRedis();
  cleanup.add(() => redis.kill());
  await migrate(postgres.url);
  const database = openDatabase({
    databaseUrl: postgres.url,
    databasePoolSize: 2,
    requestTimeoutMs: STATEMENT_MS,
  });
  cleanup.add(() => database.close());
  return { databaseUrl: postgres.url, redisUrl: redis.url, database, cleanup, signal };
}

function outcomeText(result: TrialResult): string {
  const { broken, slow } = verdictOf(result);
  const { rounds, responses } = result.attacker;
  const failures = [...broken, ...slow];
  return [
    `  the attacker sent ${rounds} rounds and got ${countsText(responses) || 'nothing'}`,
    failures.length === 0 ? '  passed' : `  ${broken.length > 0 ? 'FAILED' : 'slow'}: ${failures.join('; ')}`,
    ...(result.unexpectedExit === null ? [] : [`  it ${result.unexpectedExit.trimEnd()}`]),
  ].join('\n');
}

function write({ json, markdown }: Options, results: readonly TrialResult[]): void {
  const [machine, at] = [machineFacts(), new Date()];
  if (json !== undefined) writeFileSync(json, `${JSON.stringify({ at, machine, results }, null, 2)}\n`);
  if (markdown === undefined) return;
  const document = readFileSync(markdown, 'utf8');
  writeFileSync(markdown, withSection(document, sectionOf(results, machine, at)));
}

function log(line: string): void {
  process.stderr.write(`${line}\n`);
}

/** 2: the command line is wrong or the program failed; 1: an attack succeeded. */
async function exitCode(): Promise<number> {
  try {
    return await main(readOptions(process.argv.slice(2)), abortedBySignals());
  } catch (error) {
    if (error instanceof UsageError) log(`${error.message}\n\n${usage}`);
    else log(error instanceof Error ? (error.stack ?? error.message) : String(error));
    return 2;
  }
}

exitCode().then(
  (code) => process.exit(code),
  (error: unknown) => {
    log(String(error));
    process.exit(2);
  },
);
