import { ArgumentsHost, Catch, ExceptionFilter, Logger } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { LogLimiter } from '#libs/telemetry';
import { errorResponse } from './error.response';
import type { RequestErrorCode } from './request-error.catalogue';
import { RequestError } from './request.error';
import { toRequestError } from './error.mapping';

declare module 'fastify' {
  interface FastifyReply {
    /** What the answer's error envelope says. */
    errorCode?: RequestErrorCode;
  }
}

/** Turns whatever a handler, pipe, hook or parser throws into the answer of its requestError. The only filter; register it as `APP_FILTER`. */
@Catch()
export class ErrorFilter implements ExceptionFilter {
  private readonly logger = new Logger(ErrorFilter.name);
  /** While a database is away every request fails for the same reason. */
  private readonly limiter = new LogLimiter((kind, repeated, intervalMs) => {
    this.logger.warn({ message: `requests failed: ${kind}`, repeated, interval_ms: intervalMs });
  });

  catch(error: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    const request = http.getRequest<FastifyRequest>();
    const reply = http.getResponse<FastifyReply>();
    const requestError = withBodyLimit(toRequestError(error), request);
    this.log(requestError, request.id);
    if (!reply.sent && !reply.raw.headersSent) sendError(reply, requestError, request.id);
  }

  /** A fault of ours is an error; of the others only those with a cause of their own say more than the answer does. */
  private log(requestError: RequestError, requestId: string): void {
    if (requestError.status < 500 || (requestError.code !== 'internal' && requestError.cause === undefined)) return;
    const error = describe(requestError.cause ?? requestError);
    const line = { message: `request failed: ${requestError.code}`, request_id: requestId, error };
    if (requestError.code === 'internal') this.logger.error(line);
    else if (this.limiter.admits([requestError.code, error.code ?? error.type].join(' '))) this.logger.warn(line);
  }
}

/** Answers with a requestError where the filter is out of reach: in Fastify's `frameworkErrors`. */
export function sendError(reply: FastifyReply, error: RequestError, requestId: string): void {
  const { status, headers, body } = errorResponse(error, requestId);
  reply.errorCode = error.code;
  void reply.code(status).headers(headers).send(body);
}

/** Only the route knows the limit that Fastify's error about it does not tell. */
function withBodyLimit(error: RequestError, request: FastifyRequest): RequestError {
  if (error.code !== 'payload_too_large' || 'limit_bytes' in error.details) return error;
  const limit = request.routeOptions.bodyLimit;
  const details = { limit_bytes: limit };
  return new RequestError('payload_too_large', `The body is over ${limit} bytes.`, {
    details,
    cause: error.cause,
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
