import { type CallHandler, type ExecutionContext, Injectable, type NestInterceptor } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { lastValueFrom, type Observable, of } from 'rxjs';
import type { Answer } from './answer';
import { fingerprintOf } from './fingerprint';
import { parseIdempotencyKey } from './idempotency-key';
import { hashKey } from './idempotency-id';
import { IdempotencyService, type KeyedRequest } from './idempotency.service';
import type { KeptAnswer } from './kept-answer';

/** What the ledger needs of a request with a key. */
export interface IdempotentCall {
  /** SHA-256 of the key. */
  readonly keyHash: Buffer;
  /** SHA-256 of method, path and canonical body. */
  readonly fingerprint: Buffer;
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Set while a request with a key is executed; not in a dry run. */
    idempotency?: IdempotentCall;
  }
}

const HEADER = 'idempotency-key';
const REPLAY_HEADER = { 'idempotent-replay': 'true' };

/** Sends a handler's `Answer`, and with an `Idempotency-Key` the one answer of all attempts at the request. */
@Injectable()
export class IdempotencyInterceptor implements NestInterceptor<Answer, string> {
  constructor(private readonly idempotency: IdempotencyService) {}

  async intercept(context: ExecutionContext, next: CallHandler<Answer>): Promise<Observable<string>> {
    const http = context.switchToHttp();
    const request = http.getRequest<FastifyRequest>();
    const reply = http.getResponse<FastifyReply>();
    const key = parseIdempotencyKey(occurrences(request, HEADER));
    if (key === undefined || isDryRun(request.body)) return send(reply, await lastValueFrom(next.handle()));
    return this.answerOnce(keyedRequest(request, key), request, reply, next);
  }

  private async answerOnce(
    keyed: KeyedRequest,
    request: FastifyRequest,
    reply: FastifyReply,
    next: CallHandler<Answer>,
  ): Promise<Observable<string>> {
    const beginning = await this.idempotency.begin(keyed);
    if (beginning.state === 'replay') return send(reply, { ...beginning.answer, replayed: true });
    request.idempotency = { keyHash: keyed.id.keyHash, fingerprint: keyed.fingerprint };
    let answer: Answer;
    try {
      answer = await lastValueFrom(next.handle());
    } catch (error) {
      await this.idempotency.abandon(beginning.attempt, error);
      throw error;
    }
    await this.idempotency.finish(beginning.attempt, answer);
    return send(reply, answer);
  }
}

function send(reply: FastifyReply, answer: KeptAnswer & Pick<Answer, 'replayed'>): Observable<string> {
  reply
    .status(answer.status)
    .headers({ ...answer.headers, 'content-type': 'application/json; charset=utf-8' })
    .headers(answer.replayed ? REPLAY_HEADER : {});
  return of(answer.body);
}

function keyedRequest(request: FastifyRequest, key: string): KeyedRequest {
  const { principal, deadline, body } = request;
  if (principal === undefined) throw new Error('This route is @Idempotent but not @Authenticated.');
  return {
    id: { teamId: principal.teamId, clientId: principal.clientId, keyHash: hashKey(key) },
    fingerprint: fingerprintOf(request.method, pathOf(request.url), body),
    deadline,
  };
}

function pathOf(url: string): string {
  const query = url.indexOf('?');
  return query === -1 ? url : url.slice(0, query);
}

/** Each value of a header. Node's `headers` joins them, and the joined text could pass for one. */
function occurrences(request: FastifyRequest, name: string): string[] | undefined {
  const { rawHeaders } = request.raw;
  const values = rawHeaders.filter((_, i) => i % 2 === 1 && rawHeaders[i - 1]?.toLowerCase() === name);
  return values.length > 0 ? values : undefined;
}

/** Changes nothing, so there is nothing to do only once. */
function isDryRun(body: unknown): boolean {
  // The handler has not checked the body yet: any member may be anything.
  const options = (body as { options?: { dry_run?: unknown } | null } | null | undefined)?.options;
  return options?.dry_run === true;
}
