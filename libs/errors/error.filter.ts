import { type ArgumentsHost, Catch, type ExceptionFilter, Logger } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { LogLimiter } from '#libs/telemetry';
import { toRequestError } from './error.mapping';
import { errorResponse } from './error.response';
import { RequestError } from './request.error';
import type { RequestErrorCode } from './request-error.catalogue';

declare module 'fastify' {
  interface FastifyReply {
    /** The code of the error, if this is an error response. */
    errorCode?: RequestErrorCode;
  }
}

/**
 * Sends an error response for whatever a handler, pipe, hook or parser throws. It is the only exception filter;
 * register it as `APP_FILTER`.
 */
@Catch()
export class ErrorFilter implements ExceptionFilter {
  private readonly logger = new Logger(ErrorFilter.name);
  /** While the database is unavailable, every request fails for the same reason. */
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

  /** Logs internal errors, and other server errors that have a cause. For all others, the request log has the status and the code. */
  private log(requestError: RequestError, requestId: string): void {
    const { status, code, cause } = requestError;
    if (status < 500 || (code !== 'internal' && cause === undefined)) return;
    const error = logFields(cause ?? requestError);
    const line = { message: `request failed: ${code}`, request_id: requestId, error };
    if (code === 'internal') this.logger.error(line);
    else if (this.limiter.admits([code, error.code ?? error.type].join(' '))) this.logger.warn(line);
  }
}

/** Sends an error response where the filter does not apply, such as in a hook that responds by itself. */
export function sendError(reply: FastifyReply, error: RequestError, requestId: string): void {
  const { status, headers, body } = errorResponse(error, requestId);
  reply.errorCode = error.code;
  void reply.code(status).headers(headers).send(body);
}

/** Adds the limit of the route, which Fastify's error does not have. */
function withBodyLimit(error: RequestError, request: FastifyRequest): RequestError {
  if (error.code !== 'payload_too_large' || 'limit_bytes' in error.details) return error;
  const limit = request.routeOptions.bodyLimit;
  return new RequestError('payload_too_large', `The body is larger than ${limit} bytes.`, {
    details: { limit_bytes: limit },
    cause: error.cause,
  });
}

/** Errors of pg are logged without their message, which may contain values of a record. */
function logFields(error: unknown): Record<string, unknown> {
  if (!(error instanceof Error)) return { type: typeof error };
  const { code, severity } = error as { code?: unknown; severity?: unknown }; // pg sets both, Node.js only the first.
  const frames = error.stack?.slice(error.stack.indexOf('\n    at ') + 1);
  return { type: error.name, code, stack: severity === undefined ? error.stack : frames };
}
