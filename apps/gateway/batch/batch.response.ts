import type { WriteResponse } from '#libs/idempotency';
import { type AppliedBatch, replayedEntry } from '#libs/records';
import { writeResponse } from '../http/write.response';

/** The response of a batch. The body for replays has no `replayed` marks, so that every replay has the same bytes. */
export function batchResponse({ state, outcomes, completedBy }: AppliedBatch): WriteResponse {
  const total = outcomes.length;
  const failed = outcomes.filter(({ code }) => code !== undefined).length;
  const summary = `{"total": ${total}, "succeeded": ${total - failed}, "failed": ${failed}}`;
  const bodyOf = (entries: readonly string[]): string => `{"results": [${entries.join(', ')}], "summary": ${summary}}`;

  const resumed = state === 'resumed';
  const response = writeResponse(
    { status: 200, headers: {}, body: bodyOf(outcomes.map(({ entry }) => entry)) },
    { complete: completedBy !== undefined, replayed: state === 'replayed', resumed },
  );
  if (!resumed) return response;
  const marked = outcomes.map(({ entry, replayed }) => (replayed ? replayedEntry(entry) : entry));
  return { ...response, body: bodyOf(marked) };
}
