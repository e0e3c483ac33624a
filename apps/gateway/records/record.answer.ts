import type { Answer } from '#libs/idempotency';
import { type ItemError, type ProblemCode, ProblemException, problemAnswer } from '#libs/problems';
import type { AppliedBatch } from '#libs/records';

type Entry =
  | { status: 'ok'; id: string; etag: string; record?: unknown }
  | { status: 'error'; id: string | null; error: ItemError };

/** How a request answers whose only item failed. */
const problems: Partial<Record<ItemError['code'], ProblemCode>> = {
  not_found: 'not_found',
  precondition_failed: 'precondition_failed',
  conflict: 'conflict',
  too_large: 'payload_too_large',
  locked: 'unavailable',
  not_attempted: 'unavailable',
  unavailable: 'unavailable',
  outcome_unknown: 'unavailable',
  internal: 'internal',
};

/** Only a record that somebody wrote past the gateway can be so large. */
const RECORD_OMITTED =
  'The record is larger than RESPONSE_LIMIT_BYTES. The request was applied; the record cannot be sent.';

/**
 * The answer of a single write, from the outcome of its one item. A failure that came from executing is an answer like
 * any other, kept for retries; one that a retry may mend is thrown.
 *
 * @throws ProblemException `unavailable`, `internal`
 */
export function recordAnswer(
  { state, outcomes, completedBy }: AppliedBatch,
  requestId: string,
  success: { status: number; location?: (id: string) => string },
): Answer {
  const entry = JSON.parse(outcomes[0]?.entry ?? 'null') as Entry; // made by apply_item
  const replayed = outcomes[0]?.replayed === true;
  const rest = { replayed, resumed: state === 'resumed' && !replayed };
  if (entry.status === 'error') {
    const problem = problemOfItem(entry.error);
    if (problem.status >= 500) throw problem;
    const answer = problemAnswer(problem, completedBy ?? requestId);
    return { ...answer, keep: keepOf(completedBy, answer.body), ...rest };
  }
  if (entry.record === undefined) throw new ProblemException('payload_too_large', RECORD_OMITTED);
  const body = JSON.stringify(entry.record);
  const headers = { etag: entry.etag, ...(success.location && { location: success.location(entry.id) }) };
  return { status: success.status, headers, body, keep: keepOf(completedBy, body), ...rest };
}

/** The request's error for its one item's: fields are named from the body's root. */
export function problemOfItem(error: ItemError): ProblemException {
  const code = problems[error.code] ?? 'invalid_request';
  // A client that repeated the request by itself could apply the change twice.
  const headers = error.code === 'outcome_unknown' ? { 'x-should-retry': 'false' } : {};
  if (code !== 'invalid_request') {
    return new ProblemException(code, code === 'unavailable' ? error.message : undefined, { headers });
  }
  const errors = error.errors?.map((field) => ({ ...field, field: `.body${field.field}` })) ?? [];
  return new ProblemException(code, error.message, { errors });
}

function keepOf(completedBy: string | undefined, body: string): Answer['keep'] {
  return completedBy === undefined ? undefined : { body };
}
