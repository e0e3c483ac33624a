import { ProblemKind, problemKind } from './problem.catalogue';
import { ProblemException } from './problem.exception';

interface ProblemAnswer {
  status: number;
  /** Names in lower case. */
  headers: Record<string, string>;
  body: string;
}

const LONGEST_RETRY_AFTER_SECONDS = 60;

/** Renders the error envelope and its headers. Every answer that is no success is made here. */
export function problemAnswer(problem: ProblemException, requestId: string): ProblemAnswer {
  const { code, message, status, errors, details } = problem;
  const kind = problemKind(code);
  const error = {
    code,
    message,
    request_id: requestId,
    ...(code === 'invalid_request' && errors.length > 0 && { errors }),
    ...(kind.details && Object.keys(details).length > 0 && { details }),
  };
  return { status, headers: headersOf(problem, kind, requestId), body: JSON.stringify({ error }) };
}

function headersOf(problem: ProblemException, kind: ProblemKind, requestId: string): Record<string, string> {
  return {
    ...kind.headers,
    ...problem.headers,
    'content-type': 'application/json; charset=utf-8',
    'x-request-id': requestId,
    ...(kind.retryAfter && { 'retry-after': wholeSeconds(problem.headers['retry-after']) }),
    ...(kind.shouldRetry !== undefined && { 'x-should-retry': String(kind.shouldRetry) }),
  };
}

function wholeSeconds(asked: string | undefined): string {
  const seconds = Math.ceil(Number(asked ?? 1));
  return String(Number.isNaN(seconds) ? 1 : Math.min(Math.max(seconds, 1), LONGEST_RETRY_AFTER_SECONDS));
}
