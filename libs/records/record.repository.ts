import { setImmediate as nextTurn } from 'node:timers/promises';
import { Inject, Injectable, Logger } from '@nestjs/common';
import { Settings } from '#libs/config';
import {
  type Cancellation,
  Database,
  type DatabaseClient,
  type DatabaseMeter,
  DatabaseUnavailable,
  isConnectionFailure,
  type CheckoutOptions,
  SQL_STATES,
  sqlStateOf,
  statement,
} from '#libs/database';
import { type LedgerKey, STALE_SECONDS } from '#libs/idempotency';
import { type ItemErrorCode, RequestError, itemError } from '#libs/errors';
import type { Deadline } from '#libs/limits';
import type { ObjectType } from '#libs/properties';
import type { Span } from '#libs/telemetry';
import type { AppliedBatch, Outcome } from './applied.batch';
import { errorEntry } from './result.entry';
import { type SingleRecordPatch, singleRecordPatchOf } from './single-record.patch';
import { entryIdOf, failureLimitOf, type Plan, type PlanItem } from './plan';

/** A record as the text of the response, and its etag in quotes. */
export interface FoundRecord {
  etag: string;
  json: string;
}

/** How a plan is executed. */
export interface WriteOptions {
  /** Items that are not started in its `execute` phase are `not_attempted`. */
  readonly deadline: Deadline;
  readonly key?: LedgerKey | undefined;
  /** When it is requested, no further item is started. Applied items stay applied. */
  readonly cancellation?: Cancellation | undefined;
  readonly meter?: DatabaseMeter | undefined;
}

interface ApplyRow {
  state: AppliedBatch['state'] | 'mismatch' | 'stale';
  entries: string;
  codes: string;
  replayed: string;
  durations: string;
  completed_by: string | null;
  internal_errors: string;
}

const APPLY_BATCH = statement(__dirname, 'apply_batch');
const FIND_RECORD = statement(__dirname, 'find_record');
const PATCH_RECORD = statement(__dirname, 'patch_record');
const PATCH_RECORD_KEYED = statement(__dirname, 'patch_record_keyed');

/**
 * How long the fast path with a key waits for a lock. It cannot tell whether the record or the key is locked. `apply_batch`, which runs
 * next and waits again, can.
 */
const KEYED_LOCK_TIMEOUT_MS = 20;

/** Longer entries are split in a later turn of the event loop: receiving them has taken milliseconds, and so does splitting them. */
const LONG_RESULT = 131_072;

/** Reads and changes records. */
@Injectable()
export class RecordRepository {
  private readonly logger = new Logger(RecordRepository.name);

  constructor(
    @Inject(Database) private readonly database: Database,
    @Inject(Settings) private readonly settings: Settings,
  ) {}

  /**
   * Applies a plan in one round trip; a single-record patch that fails takes a second one. When it returns, every item that it
   * reports as applied is durable.
   *
   * @param span of the batch; undefined if it has none
   * @throws DatabaseUnavailable if nothing was attempted; if Postgres becomes unavailable later, the outcomes have that error
   * @throws RequestError `idempotency_key_mismatch`, `idempotency_key_stale`, `idempotency_key_in_use`
   */
  async apply(plan: Plan, options: WriteOptions, span?: Span): Promise<AppliedBatch> {
    const { deadline, key, cancellation, meter } = options;
    const call = { started: false, isFastPath: false };
    try {
      const { outcome, row } = await this.database.withClient(
        async (client): Promise<{ outcome?: Outcome; row?: ApplyRow | undefined }> => {
          call.started = true;
          // A cluster does not execute its statement.
          const patch = this.database.isCluster === true ? undefined : singleRecordPatchOf(plan);
          if (patch) {
            call.isFastPath = true;
            const outcome = await this.patchSingle(client, plan, patch, deadline.msLeft('execute'), key);
            if (outcome) return { outcome };
            call.isFastPath = false;
          }
          const values = this.applyBatchParameters(plan, deadline.msLeft('execute'), key);
          return { row: await this.callApplyBatch(client, values, key) };
        },
        { timeoutMs: deadline.msLeft('commit'), teamId: plan.teamId, cancellation, meter, span },
      );
      // Read after the connection has returned to the pool: a rejected key must not close it.
      const applied = outcome ? fastPathResult(outcome, key) : await this.toAppliedBatch(plan, row);
      return { ...applied, canceled: cancellation?.requested === true };
    } catch (error) {
      if (!(error instanceof DatabaseUnavailable)) throw error;
      const canceled = error.kind === 'canceled';
      // Without a key, or on the fast path, no transaction came before the rejected one. (A batch that is rejected later has outcomes.)
      const nothingBefore = key === undefined || call.isFastPath;
      const nothingDone = nothingBefore && sqlStateOf(error.cause) === SQL_STATES.readOnlyTransaction;
      if (call.started && !nothingDone) return { ...outcomeUnknown(plan, key !== undefined), canceled };
      if (canceled) return { ...notAttempted(plan), canceled };
      throw error;
    }
  }

  /** A live record of the team and object type, or undefined. */
  async find(
    teamId: string,
    objectType: ObjectType,
    id: string,
    options: CheckoutOptions,
  ): Promise<FoundRecord | undefined> {
    const { rows } = await this.database.query<{ etag: string; record: string }>(
      FIND_RECORD,
      [teamId, objectType, id],
      { ...options, teamId },
    );
    return rows[0] && { etag: `"${rows[0].etag}"`, json: rows[0].record };
  }

  /**
   * The single-record fast path. Undefined if it changed nothing: `apply_batch` then applies the item or determines its error.
   * With a key, the ledger has the outcome of an applied item, and nothing of one that was not attempted.
   */
  private async patchSingle(
    client: DatabaseClient,
    plan: Plan,
    item: SingleRecordPatch,
    budgetMs: number,
    key: LedgerKey | undefined,
  ): Promise<Outcome | undefined> {
    if (budgetMs < 1) return undefined;
    const lockTimeoutMs = key === undefined ? this.settings.lockTimeoutMs : KEYED_LOCK_TIMEOUT_MS;
    const startedAt = performance.now();
    const sinceMs = (): number => performance.now() - startedAt;
    const values = [
      ...[plan.teamId, plan.objectType, item.id, JSON.stringify(item.set), item.if_match ?? null],
      ...[this.settings.recordLimitBytes, String(Math.floor(Math.min(lockTimeoutMs, budgetMs)))],
      ...[plan.options.return === 'minimal', item.ref ?? null],
    ];
    const [text, keyValues] =
      key === undefined
        ? [PATCH_RECORD, []]
        : [PATCH_RECORD_KEYED, [key.clientId, key.keyHash, key.fingerprint, key.requestId]];
    try {
      const { rows } = await client.query<{ entry: string }>(text, [...values, ...keyValues]);
      const entry = rows[0]?.entry;
      return entry === undefined ? undefined : { entry, code: undefined, replayed: false, seconds: sinceMs() / 1_000 };
    } catch (error) {
      // With a lost connection the outcome is unknown. After any other error the transaction is rolled back.
      if (sqlStateOf(error) === undefined || isConnectionFailure(error)) throw error;
      const code = ITEM_ERROR_BY_SQLSTATE[sqlStateOf(error) ?? ''];
      if (code === undefined || (key !== undefined && code !== 'not_attempted')) return undefined;
      return { ...failedOutcome(item, code, JSON.stringify(itemError(code))), seconds: sinceMs() / 1_000 };
    }
  }

  private async callApplyBatch(
    client: DatabaseClient,
    values: unknown[],
    key: LedgerKey | undefined,
  ): Promise<ApplyRow | undefined> {
    try {
      return (await client.query<ApplyRow>(APPLY_BATCH, values)).rows[0];
    } catch (error) {
      if (key === undefined || sqlStateOf(error) !== SQL_STATES.lockNotAvailable) throw error;
      // Another attempt at the request holds its lock in the ledger. The items of this one were not applied, or are marked.
      throw new RequestError('idempotency_key_in_use', undefined, { retryAfterSeconds: 1 });
    }
  }

  private applyBatchParameters(plan: Plan, budgetMs: number, key: LedgerKey | undefined): unknown[] {
    const { onError, dryRun } = plan.options;
    const atomic = onError === 'rollback';
    return [
      plan.teamId,
      plan.objectType,
      JSON.stringify(plan.items),
      atomic,
      dryRun,
      failureLimitOf(plan.options) ?? null,
      plan.options.return === 'minimal',
      this.settings.durability === 'item',
      this.settings.recordLimitBytes,
      this.settings.responseLimitBytes,
      this.settings.lockTimeoutMs,
      Math.max(0, Math.floor(budgetMs)),
      key?.clientId ?? null,
      key?.keyHash ?? null,
      key?.fingerprint ?? null,
      key?.lifetimeSeconds ?? this.settings.idempotencyTtlSeconds,
      STALE_SECONDS,
      key?.requestId ?? null,
    ];
  }

  /** @param errors JSON of the SQLSTATEs by item, as `apply_batch` returns them */
  private reportItemErrors(errors: string): void {
    if (errors === '{}') return;
    const states = Object.values(JSON.parse(errors) as Record<string, string>); // as described
    if (states.includes(SQL_STATES.readOnlyTransaction)) this.database.closeIdle();
    if (states.every((state) => state === SQL_STATES.readOnlyTransaction)) return;
    this.logger.error({ message: 'items failed in the database', internal_errors: errors });
  }

  private async toAppliedBatch(plan: Plan, row: ApplyRow | undefined): Promise<Omit<AppliedBatch, 'canceled'>> {
    if (row === undefined) throw new Error('apply_batch returned no row');
    const { state } = row;
    if (state === 'mismatch') throw new RequestError('idempotency_key_mismatch');
    if (state === 'stale') throw new RequestError('idempotency_key_stale');
    this.reportItemErrors(row.internal_errors);
    if (row.entries.length > LONG_RESULT) await nextTurn();
    const entries = row.entries.split('\n');
    const codes = row.codes.split(',');
    const durations = row.durations.split(',');
    const outcomes = plan.items.map((_, index): Outcome => ({
      entry: entries[index] ?? '',
      code: itemErrorCodeOf(codes[index]),
      replayed: row.replayed[index] === 't',
      seconds: Number(durations[index] ?? 0),
    }));
    return { state, outcomes, completedBy: row.completed_by ?? undefined };
  }
}

/** The item errors of SQLSTATEs, as `apply_batch` assigns them. `apply_batch` determines the item error of any other one. */
const ITEM_ERROR_BY_SQLSTATE: Readonly<Record<string, ItemErrorCode>> = {
  [SQL_STATES.lockNotAvailable]: 'locked',
  [SQL_STATES.queryCanceled]: 'not_attempted',
};

/** The result of the single-record fast path. */
function fastPathResult(outcome: Outcome, key: LedgerKey | undefined): Omit<AppliedBatch, 'canceled'> {
  const isComplete = key !== undefined && outcome.code === undefined;
  return { state: 'executed', outcomes: [outcome], completedBy: isComplete ? key.requestId : undefined };
}

const incomplete = { state: 'executed', completedBy: undefined } as const;

function outcomeUnknown(plan: Plan, keyed: boolean): Omit<AppliedBatch, 'canceled'> {
  const code = keyed ? 'unavailable' : 'outcome_unknown';
  const text = JSON.stringify(itemError(code));
  const outcomeOf = (item: PlanItem): Outcome => {
    // With a key, a rejection is an outcome only when the ledger has it. With on_error it may be `not_attempted` instead.
    const rejected = item.op === 'reject' && !keyed ? item : undefined;
    const outcome = failedOutcome(item, rejected?.code ?? code, rejected?.error ?? text);
    // Without a key, the record that may have been created can be looked up.
    return keyed || item.op !== 'create' ? outcome : { ...outcome, entry: errorEntry(item.id, item.ref, text) };
  };
  return { ...incomplete, outcomes: plan.items.map(outcomeOf) };
}

function notAttempted(plan: Plan): Omit<AppliedBatch, 'canceled'> {
  const text = JSON.stringify(itemError('not_attempted'));
  const outcomes = plan.items.map((item) => failedOutcome(item, 'not_attempted', text));
  return { ...incomplete, outcomes };
}

/** @param error as JSON text */
function failedOutcome(item: PlanItem, code: ItemErrorCode, error: string): Outcome {
  return { entry: errorEntry(entryIdOf(item), item.ref, error), code, replayed: false, seconds: 0 };
}

/** `apply_batch` returns the codes of the catalogue only, and an empty text for an item that was applied. */
function itemErrorCodeOf(text: string | undefined): ItemErrorCode | undefined {
  return text === undefined || text === '' ? undefined : (text as ItemErrorCode); // see above
}
