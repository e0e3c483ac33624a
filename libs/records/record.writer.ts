import { Inject, Injectable } from '@nestjs/common';
import type { Quota } from '#libs/limits';
import { type ItemErrorCode } from '#libs/errors';
import type { RequestLogContext } from '#libs/telemetry';
import type { AppliedBatch, Outcome } from './applied.batch';
import { inBatchSpan } from './batch.span';
import type { Plan } from './plan';
import { RecordRepository, type WriteOptions } from './record.repository';
import { type ItemOutcome, RecordsMetrics } from './records.metrics';

/** The options of a write, and what it is counted and charged to. */
export interface WriteContext extends WriteOptions {
  /** The name of the client, for metrics. */
  client: string;
  /** Collects the fields of the request's log line. */
  notes: RequestLogContext;
  /** The rate limits of the client; undefined if it has none. */
  quota?: Quota | undefined;
}

/** The items of a batch with the same outcome and code. */
interface Group {
  readonly outcome: ItemOutcome;
  readonly code: ItemErrorCode | 'none';
  items: number;
  /** The durations of the transactions of this attempt. */
  readonly seconds: number[];
}

/** Applies plans, charges rate limits and counts items. Every change of a record passes through it. */
@Injectable()
export class RecordWriter {
  constructor(
    @Inject(RecordRepository) private readonly records: RecordRepository,
    @Inject(RecordsMetrics) private readonly metrics: RecordsMetrics,
  ) {}

  /**
   * @throws DatabaseUnavailable if nothing was attempted
   * @throws RequestError `idempotency_key_mismatch`, `idempotency_key_stale`, `rate_limited`
   */
  write(plan: Plan, call: WriteContext): Promise<AppliedBatch> {
    return call.quota === undefined ? this.apply(plan, call) : this.applyCharged(plan, call, call.quota);
  }

  /** Refunds the items that this attempt did not apply: those of an earlier attempt, or all of them if the call fails. */
  private async applyCharged(plan: Plan, call: WriteContext, quota: Quota): Promise<AppliedBatch> {
    const items = plan.items.length;
    await quota.consume(items);
    let applied: AppliedBatch;
    try {
      applied = await this.apply(plan, call);
    } catch (error) {
      await quota.refund(items);
      throw error;
    }
    const { state, outcomes } = applied;
    if (state === 'replayed') await quota.refund(items);
    else if (state === 'resumed') {
      await quota.refundItems(outcomes.filter(({ replayed }) => replayed).length);
    }
    return applied;
  }

  private async apply(plan: Plan, call: WriteContext): Promise<AppliedBatch> {
    const startedAt = performance.now();
    const applied = await this.execute(plan, call);
    // A replay applies nothing: it counts as a replayed request, not as a batch.
    if (applied.state === 'replayed') call.notes.countItems('replayed', applied.outcomes.length);
    else this.count(call, plan, applied, (performance.now() - startedAt) / 1000);
    sampleFailures(call.notes, applied.outcomes);
    return applied;
  }

  private execute(plan: Plan, call: WriteContext): Promise<AppliedBatch> {
    const { span } = call.notes;
    if (span === undefined) return this.records.apply(plan, call);
    return inBatchSpan(span, plan, call.key !== undefined, (own) => this.records.apply(plan, call, own));
  }

  private count({ client, notes }: WriteContext, plan: Plan, applied: AppliedBatch, seconds: number): void {
    const { outcomes, canceled } = applied;
    const { operation, objectType } = plan;
    const groups: Group[] = [];
    let failed = false;
    for (const { code = 'none', replayed, seconds } of outcomes) {
      const attempted = code !== 'not_attempted';
      const stopped = !attempted && failed && plan.options.onError === 'stop';
      const outcome = stopped ? 'stopped' : outcomeLabel(plan, replayed, code, canceled);
      failed ||= attempted && code !== 'none';
      let group = groups.find((other) => other.outcome === outcome && other.code === code);
      if (group === undefined) groups.push((group = { outcome, code, items: 0, seconds: [] }));
      group.items += 1;
      if (attempted && !replayed) group.seconds.push(seconds);
    }
    for (const { outcome, code, items, seconds: ofItems } of groups) {
      this.metrics.countItems(client, operation, objectType, outcome, code, items);
      this.metrics.observeItems(operation, outcome, ofItems);
      notes.countItems(outcome, items);
    }
    if (operation === 'update' || operation === 'delete') {
      this.metrics.observeBatch(operation, resultLabel(outcomes), outcomes.length, seconds);
    }
  }
}

/** Codes that count as canceled if the client disconnected: it does not see them, so they are not errors of the service. */
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

function sampleFailures(notes: RequestLogContext, outcomes: readonly Outcome[]): void {
  for (const [index, { code }] of outcomes.entries()) {
    if (code !== undefined) notes.sampleFailure(index, code);
  }
}
