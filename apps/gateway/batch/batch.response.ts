import type { WriteResponse } from '#libs/idempotency';
import { type AppliedBatch, replayedEntry } from '#libs/records';

/** The response of a batch. The body for replays has no `replayed` marks, so that every replay has the same bytes. */
export function batchResponse({ state, outcomes, completedBy }: AppliedBatch): WriteResponse {
  const total = outcomes.length;
  const failed = outcomes.filter(({ code }) => code !== undefined).length;
  const summary = `{"total": ${total}, "succeeded": ${total - failed}, "failed": ${failed}}`;
  const bodyOf = (entries: readonly string[]): string => `{"results": [${entries.join(', ')}], "summary": ${summary}}`;

  const body = bodyOf(outcomes.map(({ entry }) => entry));
  const resumed = state === 'resumed';
  return {
    status: 200,
    headers: {},
    body: resumed ? bodyOf(outcomes.map(({ entry, replayed }) => (replayed ? replayedEntry(entry) : entry))) : body,
    cacheable: completedBy === undefined ? undefined : { body },
    replayed: state === 'replayed',
    resumed,
  };
}
