import { ArgumentsHost, Catch, ExceptionFilter, Logger } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { LineLimiter } from './line.limiter';
import { problemAnswer } from './problem.answer';
import type { ProblemCode } from './problem.catalogue';
import { ProblemException } from './problem.exception';
import { problemOf } from './problem.mapping';

declare module 'fastify' {
  interface FastifyReply {
    /** What the answer's error envelope says. */
    problemCode?: ProblemCode;
  }
}

/** Turns whatever a handler, pipe, hook or parser throws into the answer of its problem. The only filter; register it as `APP_FILTER`. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  private readonly logger = new Logger(ProblemFilter.name);
  /** While a database is away every request fails for the same reason. */
  private readonly limiter = new LineLimiter((kind, repeated, intervalMs) => {
    this.logger.warn({ message: `requests failed: ${kind}`, repeated, interval_ms: intervalMs });
  });

  catch(error: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    const request = http.getRequest<FastifyRequest>();
    const reply = http.getResponse<FastifyReply>();
    const problem = withBodyLimit(problemOf(error), request);
    this.log(problem, request.id);
    if (!reply.sent && !reply.raw.headersSent) sendProblem(reply, problem, request.id);
  }

  /** A fault of ours is an error; of the others only those with a cause of their own say more than the answer does. */
  private log(problem: ProblemException, requestId: string): void {
    if (problem.status < 500 || (problem.code !== 'internal' && problem.cause === undefined)) return;
    const error = describe(problem.cause ?? problem);
    const line = { message: `request failed: ${problem.code}`, request_id: requestId, error };
    if (problem.code === 'internal') this.logger.error(line);
    else if (this.limiter.admits([problem.code, error.code ?? error.type].join(' '))) this.logger.warn(line);
  }
}

/** Answers with a problem where the filter is out of reach: in Fastify's `frameworkErrors`. */
export function sendProblem(reply: FastifyReply, problem: ProblemException, requestId: string): void {
  const { status, headers, body } = problemAnswer(problem, requestId);
  reply.problemCode = problem.code;
  void reply.code(status).headers(headers).send(body);
}

/** Only the route knows the limit that Fastify's error about it does not tell. */
function withBodyLimit(problem: ProblemException, request: FastifyRequest): ProblemException {
  if (problem.code !== 'payload_too_large' || 'limit_bytes' in problem.details) return problem;
  const limit = request.routeOptions.bodyLimit;
  const details = { limit_bytes: limit };
  return new ProblemException('payload_too_large', `The body is over ${limit} bytes.`, {
    details,
    cause: problem.cause,
  });
}

/** The message of a database error may repeat values of a record, so of those only SQLSTATE and stack are kept. */
function describe(error: unknown): Record<string, unknown> {
  if (!(error instanceof Error)) return { type: typeof error };
  const { code, severity } = error as { code?: unknown; severity?: unknown }; // pg's errors have both, Node's the first
  const frames = error.stack?.slice(error.stack.indexOf('\n    at ') + 1);
  return severity === undefined
    ? { type: error.name, code, stack: error.stack }
    : { type: error.name, code, stack: frames };
}
