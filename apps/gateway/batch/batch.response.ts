import type { WriteResponse } from '#libs/idempotency';
import type { AppliedBatch } from '#libs/records';

/**
 * The answer of a batch, from entries that are JSON text already. What is kept for replays carries no mark of which
 * attempt did what, so that every whole replay has the same bytes.
 */
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
    body: resumed ? bodyOf(outcomes.map(({ entry, replayed }) => (replayed ? marked(entry) : entry))) : body,
    cacheable: completedBy === undefined ? undefined : { body },
    replayed: state === 'replayed',
    resumed,
  };
}

function marked(entry: string): string {
  return `${entry.slice(0, -1)}, "replayed": true}`;
}
