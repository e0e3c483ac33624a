import { Inject, Injectable } from '@nestjs/common';
import { executeCharged, type Quota } from '#libs/limits';
import { type ItemErrorCode } from '#libs/errors';
import type { Span } from '#libs/telemetry';
import type { AppliedBatch, Outcome } from './applied.batch';
import { inBatchSpan } from './batch.span';
import { failureLimitOf, type Plan } from './plan';
import { RecordRepository, type WriteOptions } from './record.repository';
import { isBatchOperation, type ItemOutcome, RecordsMetrics } from './records.metrics';

/** The request that a plan is written for. */
export interface WriteContext extends WriteOptions {
  /** The client's name, for the metrics. */
  readonly client: string;
  /** The span of the request; undefined if it is not traced. */
  readonly span?: Span | undefined;
  /** Charged for the items; undefined if the client has no rate limits. */
  readonly quota?: Quota | undefined;
}

/** An item that failed. */
export interface FailedItem {
  /** Its place in the request, from 0: `results[index]` is its entry. */
  readonly index: number;
  readonly code: ItemErrorCode;
}

/** What the log line of a request says of its items. */
export interface BatchSummary {
  /** Item count per outcome; an outcome that no item has is absent. */
  readonly items: Readonly<Partial<Record<ItemOutcome, number>>>;
  /** The first items that failed, at most {@link MAX_LISTED_FAILURES}, in request order. */
  readonly failed: readonly FailedItem[];
}

export interface WrittenBatch extends AppliedBatch {
  readonly summary: BatchSummary;
}

/** Enough to see what is wrong with a batch; the response has the rest. */
const MAX_LISTED_FAILURES = 5;

/** Items of a batch with the same outcome and code. */
interface OutcomeGroup {
  readonly outcome: ItemOutcome;
  readonly code: ItemErrorCode | 'none';
  items: number;
  /** Durations of the transactions of this attempt. */
  readonly seconds: number[];
}

/** Applies plans, charges rate limits for them, and counts every item. Every change of a record goes through it. */
@Injectable()
export class RecordWriter {
  constructor(
    @Inject(RecordRepository) private readonly records: RecordRepository,
    @Inject(RecordsMetrics) private readonly metrics: RecordsMetrics,
  ) {}

  /**
   * @throws DatabaseUnavailable if nothing was attempted
   * @throws RequestError `idempotency_key_mismatch`, `idempotency_key_stale`, `idempotency_key_in_use`, `rate_limited`
   */
  async write(plan: Plan, context: WriteContext): Promise<WrittenBatch> {
    const { quota } = context;
    const written = await executeCharged(
      quota,
      plan.items.length,
      () => this.apply(plan, context),
      ({ state }) => state === 'replayed',
    );
    if (written.state === 'resumed') {
      await quota?.refundItems(written.outcomes.filter(({ replayed }) => replayed).length);
    }
    return written;
  }

  private async apply(plan: Plan, context: WriteContext): Promise<WrittenBatch> {
    const startedAt = performance.now();
    const applied = await this.execute(plan, context);
    const { state, outcomes } = applied;
    const failed = failedItems(outcomes);
    // A replay executed nothing: it is counted as a replay of the request, not as a batch.
    if (state === 'replayed') return { ...applied, summary: { items: { replayed: outcomes.length }, failed } };
    const groups = groupOutcomes(plan, applied);
    this.count(context.client, plan, groups);
    if (plan.single !== true && isBatchOperation(plan.operation)) {
      const seconds = (performance.now() - startedAt) / 1_000;
      this.metrics.observeBatch(plan.operation, resultLabel(outcomes), outcomes.length, seconds);
    }
    return { ...applied, summary: { items: itemCounts(groups), failed } };
  }

  private execute(plan: Plan, context: WriteContext): Promise<AppliedBatch> {
    const { span } = context;
    if (span === undefined) return this.records.apply(plan, context);
    return inBatchSpan(span, plan, context.key !== undefined, (own) => this.records.apply(plan, context, own));
  }

  private count(client: string, { operation, objectType }: Plan, groups: readonly OutcomeGroup[]): void {
    for (const { outcome, code, items, seconds } of groups) {
      this.metrics.countItems(client, operation, objectType, outcome, code, items);
      this.metrics.observeItems(operation, outcome, seconds);
    }
  }
}

function groupOutcomes(plan: Plan, { outcomes, canceled }: AppliedBatch): OutcomeGroup[] {
  const groups: OutcomeGroup[] = [];
  const limit = failureLimitOf(plan.options) ?? Infinity;
  let failures = 0;
  for (const { code = 'none', replayed, seconds } of outcomes) {
    const attempted = code !== 'not_attempted';
    const stopped = !attempted && failures >= limit;
    const outcome = stopped ? 'stopped' : outcomeLabel(plan, replayed, code, canceled);
    if (attempted && code !== 'none') failures += 1;
    let group = groups.find((other) => other.outcome === outcome && other.code === code);
    if (group === undefined) groups.push((group = { outcome, code, items: 0, seconds: [] }));
    group.items += 1;
    if (attempted && !replayed) group.seconds.push(seconds);
  }
  return groups;
}

function itemCounts(groups: readonly OutcomeGroup[]): BatchSummary['items'] {
  const counts: Partial<Record<ItemOutcome, number>> = {};
  for (const { outcome, items } of groups) counts[outcome] = (counts[outcome] ?? 0) + items;
  return counts;
}

function failedItems(outcomes: readonly Outcome[]): FailedItem[] {
  const failed: FailedItem[] = [];
  for (const [index, { code }] of outcomes.entries()) {
    if (code !== undefined) failed.push({ index, code });
    if (failed.length === MAX_LISTED_FAILURES) break;
  }
  return failed;
}

/** Codes that a client disconnect causes: no client receives them, so they do not count as errors. */
const CANCELED_CODES: ReadonlySet<string> = new Set<ItemErrorCode>(['not_attempted', 'unavailable', 'outcome_unknown']);

function outcomeLabel(plan: Plan, replayed: boolean, code: ItemErrorCode | 'none', canceled: boolean): ItemOutcome {
  if (replayed) return 'replayed';
  if (canceled && CANCELED_CODES.has(code)) return 'canceled';
  if (code !== 'none') return 'error';
  return plan.options.dryRun ? 'dry_run' : 'ok';
}

function resultLabel(outcomes: readonly Outcome[]): 'all_ok' | 'partial' | 'all_failed' {
  const failed = outcomes.filter(({ code }) => code !== undefined).length;
  if (failed === 0) return 'all_ok';
  return failed === outcomes.length ? 'all_failed' : 'partial';
}
