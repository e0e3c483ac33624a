import type { Span, SpanAttributes } from '#libs/telemetry';
import { RequestError } from '#libs/errors';
import type { AppliedBatch } from './applied.batch';
import type { Plan } from './plan';

/** The item errors that set the status of the span to error: not those of busy records, which clients retry. */
const SPAN_ERROR_CODES: ReadonlySet<string | undefined> = new Set(['internal', 'unavailable', 'outcome_unknown']);

/** Runs a batch in a child span, with its options and the number of items per outcome. */
export async function inBatchSpan(
  parent: Span,
  plan: Plan,
  keyed: boolean,
  run: (span: Span) => Promise<AppliedBatch>,
): Promise<AppliedBatch> {
  const span = parent.child(`batch ${plan.operation}`, 'internal', {
    'prism.operation': plan.operation,
    'prism.object_type': plan.objectType,
    'prism.on_error': plan.options.onError,
    'prism.dry_run': plan.options.dryRun,
    'prism.keyed': keyed,
    'prism.items.total': plan.items.length,
  });
  try {
    const applied = await run(span);
    span.set(resultOf(applied));
    const failure = applied.outcomes.find(({ code }) => SPAN_ERROR_CODES.has(code));
    if (failure?.code !== undefined && !applied.canceled) span.fail(failure.code);
    return applied;
  } catch (error) {
    span.fail(error instanceof RequestError ? error.code : 'internal');
    throw error;
  } finally {
    span.end();
  }
}

function resultOf({ state, outcomes, canceled }: AppliedBatch): SpanAttributes {
  const failed = outcomes.filter(({ code }) => code !== undefined).length;
  return {
    'prism.batch.state': state,
    'prism.batch.canceled': canceled,
    'prism.items.succeeded': outcomes.length - failed,
    'prism.items.failed': failed,
    'prism.items.replayed': state === 'replayed' ? outcomes.length : outcomes.filter(({ replayed }) => replayed).length,
  };
}
