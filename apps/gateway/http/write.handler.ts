import { Inject, Injectable } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Cancellation } from '#libs/database';
import { IdempotencyService, type IdempotentRequest, type WriteResponse } from '#libs/idempotency';
import type { CpuStage, Step } from '#libs/limits';
import type { WriteContext } from '#libs/records';
import { principalOf } from './authentication.decorators';
import type { HttpExchange } from './exchange.decorator';
import type { RequestLogContext } from './request.context';

/** The arguments of a service that writes, besides target and body. */
export interface WriteCall extends WriteContext {
  readonly requestId: string;
  /** Size of the request body. */
  readonly bodyBytes: number;
  readonly log: Pick<RequestLogContext, 'setBatch'>;
  /** Runs a computation on the body step by step, and attributes its time to the client. */
  readonly compute: (stage: CpuStage, step: Step) => Promise<void>;
  /** Runs a synchronous section and attributes its CPU time to the client. */
  readonly measure: <T>(section: () => T) => T;
}

/**
 * Responds to requests that write: all attempts with one `Idempotency-Key` get the same response.
 *
 * Controllers call it. An interceptor of Nest would create an async resource for every request.
 */
@Injectable()
export class WriteHandler {
  constructor(@Inject(IdempotencyService) private readonly idempotency: IdempotencyService) {}

  /**
   * @param execute checks the body and writes; not called for a replay
   * @returns the response body, for the controller to return
   */
  async respond(
    { request, reply }: HttpExchange,
    execute: (call: WriteCall) => Promise<WriteResponse> | WriteResponse,
  ): Promise<string> {
    const call = writeCall({ request, reply });
    const response = await this.idempotency.run(idempotentRequest(request, call), (key) => execute({ ...call, key }));
    return renderWriteResponse(reply, response);
  }
}

/** Sets status and headers of a response. @returns its body */
export function renderWriteResponse(reply: FastifyReply, response: WriteResponse): string {
  void reply.code(response.status).headers(response.headers);
  if (response.body !== '') void reply.header('content-type', 'application/json; charset=utf-8');
  if (response.replayed) void reply.header('idempotent-replay', 'true');
  return response.body;
}

/** Each value of the header; undefined without it. Node's `headers` joins them, and the joined text could be a valid key. */
export function idempotencyKeyHeader(request: FastifyRequest): string[] | undefined {
  const name = 'idempotency-key';
  if (request.headers[name] === undefined) return undefined;
  const { rawHeaders } = request.raw;
  return rawHeaders.filter((_, i) => i % 2 === 1 && rawHeaders[i - 1]?.toLowerCase() === name);
}

/** The arguments of a service that writes. {@link WriteHandler} adds the `Idempotency-Key`; a DELETE ignores it. */
export function writeCall({ request, reply }: HttpExchange): WriteCall {
  const { bodyBytes, deadline, log, permits, quota } = request.requestContext;
  return {
    client: principalOf(request).clientName,
    requestId: request.id,
    bodyBytes,
    deadline,
    quota,
    log,
    meter: log,
    span: log.span,
    cancellation: canceledByDisconnect(reply),
    compute: (stage, step) => permits.computeAsync(stage, bodyBytes, step),
    measure: (section) => permits.measure('plan', section),
  };
}

function idempotentRequest(request: FastifyRequest, call: WriteCall): IdempotentRequest {
  const { id: requestId, method, url, headers, body } = request;
  const { deadline, meter, span, compute } = call;
  // A second DELETE finds no record, so it needs no key.
  const keyHeader = method === 'DELETE' ? undefined : idempotencyKeyHeader(request);
  const client = principalOf(request);
  return {
    client,
    requestId,
    keyHeader,
    method,
    url,
    ifMatch: headers['if-match'],
    body,
    deadline,
    meter,
    span,
    compute,
  };
}

/**
 * A cancellation that is requested when the connection is closed before the response has left. A client that ends only its
 * own side has disconnected too: Node closes the other side, so no response can reach it.
 */
export function canceledByDisconnect({ raw }: FastifyReply): Cancellation {
  const cancellation = new Cancellation();
  const check = (): void => {
    if (!raw.writableFinished) cancellation.request();
  };
  if (raw.req.socket.destroyed) check();
  else raw.once('close', check);
  return cancellation;
}
