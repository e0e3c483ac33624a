import type { Database } from '#libs/database';
import type { Lane } from '../fault.schedule';
import type { RoundPlan } from '../round.plan';

/** A gateway without one of its safeguards. A run against it must find a violation. */
export interface Mutant {
  /** The safeguard that is removed. */
  summary: string;
  /** Changes the procedures in the database of the run. */
  install?: (database: Database) => Promise<void>;
  /** The file that the gateways load before their own code: `<name>.preload.ts`. */
  preload?: string;
  /** A round that provokes the fault. */
  plan: RoundPlan;
}

const lossyNetwork: Lane[] = [
  { name: 'network of callers', kinds: ['responses-lost'], gapMs: [50, 100], links: ['callers'] },
  { name: 'network of servers', kinds: ['requests-cut', 'responses-lost'], gapMs: [100, 300], links: ['postgres'] },
  { name: 'redis', kinds: ['redis-flushed'], gapMs: [50, 150] },
];
const powerCuts: Lane[] = [{ name: 'postgres', kinds: ['postgres-stopped'], gapMs: [800, 1_200] }];

/** Replaces code of apply_batch. */
function replaceCode(code: RegExp, replacement: string): (database: Database) => Promise<void> {
  return async (database) => {
    const definition = await definitionOf(database, 'apply_batch');
    const mutated = definition.replace(code, replacement);
    if (mutated === definition)
      throw new Error(`apply_batch does not have the code that this mutant replaces: ${code}`);
    await database.query(mutated);
  };
}

/** No commit of a batch waits for the disk, including the last one. */
async function skipFlush(database: Database): Promise<void> {
  const definition = await definitionOf(database, 'apply_batch');
  const mutated = definition
    .replaceAll('RESET synchronous_commit;', '')
    .replaceAll(`set_config('synchronous_commit', 'on'`, `set_config('synchronous_commit', 'off'`);
  if (mutated === definition) throw new Error('apply_batch does not flush where this mutant expects it');
  await database.query(mutated);
}

export const mutants = {
  'mark-skipped': {
    summary: 'an item that is applied is not marked in the progress row',
    install: replaceCode(
      /UPDATE idempotency_progress AS p\s+SET settled = set_bit\(p\.settled, n - 1, 1\)[^;]*;\s+IF NOT FOUND/,
      'IF false',
    ),
    plan: { durationMs: 3_000, lanes: lossyNetwork, callers: 6, pauseMs: 5 },
  },
  'flush-skipped': {
    summary: 'the last commit of a batch does not wait for the disk',
    install: skipFlush,
    plan: { durationMs: 5_000, lanes: powerCuts, callers: 8, pauseMs: 0 },
  },
  'claim-trusted-as-proof': {
    summary: 'a claim that Redis grants is taken as proof that there was no earlier attempt',
    preload: 'mutants/claim-trusted',
    plan: { durationMs: 3_000, lanes: lossyNetwork, callers: 6, pauseMs: 5 },
  },
  'response-cached-too-early': {
    summary: 'the response is cached in Redis before it is durable in Postgres, and replayed without asking Postgres',
    install: skipFlush,
    preload: 'mutants/response-cached-early',
    plan: { durationMs: 5_000, lanes: powerCuts, callers: 3, pauseMs: 0 },
  },
} as const satisfies Record<string, Mutant>;

export type MutantName = keyof typeof mutants;

async function definitionOf(database: Database, routine: string): Promise<string> {
  const { rows } = await database.query<{ definition: string }>(
    'SELECT pg_get_functiondef($1::regproc) AS definition',
    [routine],
  );
  if (rows[0] === undefined) throw new Error(`there is no ${routine}`);
  return rows[0].definition;
}
