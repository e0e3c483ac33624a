import { Injectable } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { WriteResponse } from './write.response';
import { Fingerprint } from './fingerprint';
import { parseIdempotencyKey } from './idempotency-key';
import { hashKey } from './idempotency-id';
import { IdempotencyService, type KeyedRequest } from './idempotency.service';
import type { CachedResponse } from './cached-response';

/** What the ledger needs of a request with a key. */
export interface IdempotentCall {
  /** SHA-256 of the key. */
  readonly keyHash: Buffer;
  /** The digest of a `Fingerprint`. */
  readonly fingerprint: Buffer;
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Set while a request with a key is executed; not in a dry run. */
    idempotency?: IdempotentCall;
  }
}

/** A request and the reply to it. */
export interface Exchange {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  /** Runs a computation on the body step by step, and attributes its time to the client. @param step returns whether there is more */
  compute(stage: 'fingerprint', step: () => boolean): Promise<void>;
}

const HEADER = 'idempotency-key';

/**
 * Responds to a POST, PUT or PATCH request: with an `Idempotency-Key`, all attempts at the request get the same response.
 *
 * A call, not an interceptor of Nest: those bind an asynchronous resource to every request, which a profile showed.
 */
@Injectable()
export class IdempotentResponder {
  constructor(private readonly idempotency: IdempotencyService) {}

  /**
   * Only for routes with `@Authenticated`: keys are unique within a client.
   *
   * @param execute makes the response; it passes `request.idempotency` on to the ledger. Checks of the body belong in it:
   *   a key that stands for another request is a mismatch, whatever the body
   * @returns the body, for the handler to return
   * @throws RequestError what `execute` throws, and for a key that is malformed, in use or stale
   */
  async send(exchange: Exchange, execute: () => Promise<WriteResponse> | WriteResponse): Promise<string> {
    const { request, reply } = exchange;
    const key = parseIdempotencyKey(occurrences(request, HEADER));
    const response =
      key === undefined || isDryRun(request.body)
        ? await execute()
        : await this.once(await keyedRequest(exchange, key), request, execute);
    reply
      .code(response.status)
      .headers(withoutRequestId(response.headers))
      .header('content-type', 'application/json; charset=utf-8');
    if (response.replayed) reply.header('idempotent-replay', 'true');
    return response.body;
  }

  private async once(
    keyed: KeyedRequest,
    request: FastifyRequest,
    execute: () => Promise<WriteResponse> | WriteResponse,
  ): Promise<CachedResponse & Pick<WriteResponse, 'replayed'>> {
    const claimResult = await this.idempotency.begin(keyed);
    if (claimResult.state === 'replay') return { ...claimResult.response, replayed: true };
    request.idempotency = { keyHash: keyed.id.keyHash, fingerprint: keyed.fingerprint };
    let response: WriteResponse;
    try {
      response = await execute();
    } catch (error) {
      await this.idempotency.fail(claimResult.attempt, error);
      throw error;
    }
    await this.idempotency.finish(claimResult.attempt, { ...response, headers: withoutRequestId(response.headers) });
    return response;
  }
}

async function keyedRequest(exchange: Exchange, key: string): Promise<KeyedRequest> {
  const { request } = exchange;
  const { principal, deadline, body, notes: meter } = request;
  if (principal === undefined) throw new Error('This route takes an Idempotency-Key but is not @Authenticated.');
  const { method, url, headers } = request;
  const fingerprint = new Fingerprint({ method, url, ifMatch: headers['if-match'], body });
  await exchange.compute('fingerprint', () => fingerprint.advance());
  return {
    id: { teamId: principal.teamId, clientId: principal.clientId, keyHash: hashKey(key) },
    fingerprint: fingerprint.digest(),
    deadline,
    meter,
    span: meter.span,
  };
}

/** `x-request-id` is always that of the current request, also where the response is that of an earlier one. */
function withoutRequestId(headers: WriteResponse['headers']): WriteResponse['headers'] {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => name !== 'x-request-id'));
}

/** Each value of a header. Node's `headers` joins them, and the joined text could be a valid value. */
function occurrences(request: FastifyRequest, name: string): string[] | undefined {
  if (request.headers[name] === undefined) return undefined;
  const { rawHeaders } = request.raw;
  const values = rawHeaders.filter((_, i) => i % 2 === 1 && rawHeaders[i - 1]?.toLowerCase() === name);
  return values;
}

/** A dry run changes nothing, so that it needs no key. */
function isDryRun(body: unknown): boolean {
  // The body is not validated yet: any member may be anything.
  const options = (body as { options?: { dry_run?: unknown } | null } | null | undefined)?.options;
  return options?.dry_run === true;
}
