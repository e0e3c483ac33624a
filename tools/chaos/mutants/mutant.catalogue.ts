import type { Lane } from '../fault.schedule';
import type { RoundPlan } from '../round.plan';
import type { Mutation } from './procedure.mutation';

/** A gateway without one of its safeguards. A run against it must find a violation. */
export interface Mutant {
  /** The safeguard that is removed. */
  summary: string;
  /** Changes the procedure in the database of the run. */
  mutation?: Mutation;
  /** The file that the gateways load before their own code: `<name>.preload.ts`. */
  preload?: string;
  /** Whether Postgres has a synchronous standby, as with `--failover`. */
  failover?: true;
  /** A round that provokes the fault. */
  plan: RoundPlan;
}

const lossyNetwork: Lane[] = [
  { name: 'network of callers', kinds: ['responses-lost'], gapMs: [50, 100], links: ['callers'] },
  { name: 'network of servers', kinds: ['requests-cut', 'responses-lost'], gapMs: [100, 300], links: ['postgres'] },
  { name: 'redis', kinds: ['redis-flushed'], gapMs: [50, 150] },
];
const powerCuts: Lane[] = [{ name: 'postgres', kinds: ['postgres-stopped'], gapMs: [800, 1_200] }];
const unconfirmedFailovers: Lane[] = [{ name: 'servers', kinds: ['failover-unconfirmed'], gapMs: [800, 1_200] }];
const terminations: Lane[] = [{ name: 'postgres', kinds: ['backends-terminated'], gapMs: [50, 150] }];
const workerKills: Lane[] = [{ name: 'worker', kinds: ['worker-killed'], gapMs: [800, 2_000] }];
/** Without Redis no claim rejects a second attempt. */
const withoutRedis: Lane[] = [{ name: 'redis', kinds: ['redis-frozen'], gapMs: [10, 50] }];

const usual = { sentTwice: 0.1, records: 250, conditional: 0.1, upserts: 0, importers: 0 } as const;
const twoAttempts: RoundPlan = {
  ...{ durationMs: 3_000, lanes: withoutRedis, callers: 6, pauseMs: 5 },
  ...{ sentTwice: 0.8, records: 50, conditional: 0.1, upserts: 0, importers: 0 },
};

const progressRow = 'p.team_id = p_team_id AND p.request_id = v_ledger_id';
const mark = /UPDATE idempotency_progress AS p\s+SET settled = set_bit\(p\.settled, n - 1, 1\)[^;]*;\s+IF NOT FOUND/;
const readMarkAfterFailure =
  /IF c_marks_items AND v_codes\[n\] IS NOT NULL AND is_settled\(p_team_id, v_ledger_id, n\) THEN/;

/** No commit of a batch waits for the disk, including the last one. */
const skipFlush: Mutation = {
  routine: 'apply_batch',
  replacements: [
    [/RESET synchronous_commit;/, ''],
    [/set_config\('synchronous_commit', 'on'/, `set_config('synchronous_commit', 'off'`],
  ],
};

export const mutants = {
  'mark-skipped': {
    summary: 'an item that is applied is not marked in the progress row',
    mutation: { routine: 'apply_batch', replacements: [[mark, 'IF false']] },
    plan: { durationMs: 3_000, lanes: terminations, callers: 6, pauseMs: 5, ...usual },
  },
  'mark-set-before-change': {
    summary: 'an item is marked in a transaction before that of its change; if the change fails, the mark is removed',
    mutation: {
      routine: 'apply_batch',
      replacements: [
        [
          /BEGIN\s+-- The common patch/,
          `IF c_marks_items THEN
             UPDATE idempotency_progress AS p SET settled = set_bit(p.settled, n - 1, 1)
              WHERE ${progressRow} AND get_bit(p.settled, n - 1) = 0;
             CONTINUE WHEN NOT FOUND;
             COMMIT;
           END IF;
           $&`,
        ],
        [new RegExp(String.raw`(?<=IS NULL THEN\s+-- The change first[^;]*)${mark.source}`), 'IF false'],
        [
          readMarkAfterFailure,
          `IF c_marks_items AND v_codes[n] IS NOT NULL THEN
             UPDATE idempotency_progress AS p SET settled = set_bit(p.settled, n - 1, 0) WHERE ${progressRow};
           END IF;
           IF false THEN`,
        ],
      ],
    },
    plan: { durationMs: 3_000, lanes: terminations, callers: 6, pauseMs: 5, ...usual },
  },
  'failure-without-reading-mark': {
    summary: 'a failure counts although another attempt has marked the item',
    mutation: {
      routine: 'apply_batch',
      replacements: [
        // Not `internal`: that of an item that was rolled back because its mark was found.
        [
          readMarkAfterFailure,
          `IF c_marks_items AND v_codes[n] = 'internal' AND is_settled(p_team_id, v_ledger_id, n) THEN`,
        ],
        [/NOT v_applied AND get_bit/, 'v_codes[n] IS NULL AND NOT v_applied AND get_bit'],
      ],
    },
    plan: { ...twoAttempts, records: 250, conditional: 0.6 },
  },
  'progress-row-recreated': {
    summary: 'an item whose progress row is gone inserts it again, without the marks of the other items',
    mutation: {
      routine: 'apply_batch',
      replacements: [
        [
          mark,
          `$& AND NOT EXISTS (SELECT FROM idempotency_progress AS p WHERE ${progressRow}) THEN
             INSERT INTO idempotency_progress (team_id, request_id, settled)
             VALUES (p_team_id, v_ledger_id, set_bit(decode(repeat('00', (c_count + 7) / 8), 'hex'), n - 1, 1))
             ON CONFLICT DO NOTHING;
           ELSIF NOT FOUND`,
        ],
      ],
    },
    plan: twoAttempts,
  },
  'last-transaction-without-lock': {
    summary: 'the last transaction reads the request row and the progress row without a lock',
    mutation: {
      routine: 'apply_batch',
      replacements: [
        [/(SELECT q\.complete INTO v_complete[^;]*?)\s+FOR UPDATE;/, '$1;'],
        [/(SELECT p\.settled,[^;]*?INTO v_progress_settled[^;]*?)\s+FOR UPDATE;/, '$1;'],
      ],
    },
    plan: twoAttempts,
  },
  'lookup-lock-skipped': {
    summary: 'an upsert looks for the value without a lock on it',
    mutation: {
      routine: 'apply_item',
      replacements: [[/IF v_item \? 'locks' THEN[^;]+;\s+ELSIF [^;]+;\s+END IF;/, '']],
    },
    plan: { durationMs: 3_000, lanes: [], callers: 8, pauseMs: 2, ...usual, upserts: 0.8 },
  },
  'match-not-recorded': {
    summary: 'the progress row does not have the record that a match found or created',
    mutation: {
      routine: 'apply_batch',
      replacements: [[/THEN COALESCE\(p\.matched, '\{\}'\) \|\| \('\{"' .+? '"\}'\)::jsonb\n/, 'THEN p.matched\n']],
    },
    plan: { durationMs: 3_000, lanes: terminations, callers: 6, pauseMs: 5, ...usual, upserts: 0.8 },
  },
  'import-chunk-without-key': {
    summary: 'a chunk of an import is a batch without a key',
    preload: 'mutants/import-chunk-without-key',
    plan: { durationMs: 8_000, lanes: workerKills, callers: 1, pauseMs: 50, ...usual, importers: 2 },
  },
  'flush-skipped': {
    summary: 'the last commit of a batch does not wait for the disk',
    mutation: skipFlush,
    plan: { durationMs: 5_000, lanes: powerCuts, callers: 8, pauseMs: 0, ...usual },
  },
  'claim-trusted-as-proof': {
    summary: 'a claim that Redis grants is taken as proof that there was no earlier attempt',
    preload: 'mutants/claim-trusted',
    plan: { durationMs: 3_000, lanes: lossyNetwork, callers: 6, pauseMs: 5, ...usual },
  },
  'response-cached-too-early': {
    summary: 'the response is cached in Redis before it is durable in Postgres, and replayed without asking Postgres',
    mutation: skipFlush,
    preload: 'mutants/response-cached-early',
    plan: { durationMs: 5_000, lanes: powerCuts, callers: 6, pauseMs: 0, ...usual },
  },
  'confirmation-ignored': {
    summary: 'a commit counts although its wait for the standby was interrupted',
    preload: 'mutants/confirmation-ignored',
    failover: true,
    plan: { durationMs: 10_000, lanes: unconfirmedFailovers, callers: 8, pauseMs: 5, ...usual },
  },
} as const satisfies Record<string, Mutant>;

export type MutantName = keyof typeof mutants;
