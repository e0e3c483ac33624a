import { Injectable } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
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

/** A request under way. */
export interface Exchange {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
}

const HEADER = 'idempotency-key';

/**
 * Sends the answer of a POST, PUT or PATCH handler, and with an `Idempotency-Key` the one answer of all attempts at the
 * request. What it returns is the body, for the handler to return.
 *
 * A call, not an interceptor of Nest: those bind an asynchronous resource to every request, which a profile showed.
 */
@Injectable()
export class AnswerSender {
  constructor(private readonly idempotency: IdempotencyService) {}

  /**
   * Only for routes with `@Authenticated`: keys are unique within a client.
   *
   * @param execute makes the answer; it passes `request.idempotency` on to the ledger. All that may refuse the request
   *   for what its body says belongs in it: whatever the body, a key that stands for another request is a mismatch
   * @throws ProblemException what `execute` throws, and for a key that is none, that is taken or over
   */
  async send({ request, reply }: Exchange, execute: () => Promise<Answer> | Answer): Promise<string> {
    const key = parseIdempotencyKey(occurrences(request, HEADER));
    const answer =
      key === undefined || isDryRun(request.body)
        ? await execute()
        : await this.once(keyedRequest(request, key), request, execute);
    reply.code(answer.status).headers(answer.headers).header('content-type', 'application/json; charset=utf-8');
    if (answer.replayed) reply.header('idempotent-replay', 'true');
    return answer.body;
  }

  private async once(
    keyed: KeyedRequest,
    request: FastifyRequest,
    execute: () => Promise<Answer> | Answer,
  ): Promise<KeptAnswer & Pick<Answer, 'replayed'>> {
    const beginning = await this.idempotency.begin(keyed);
    if (beginning.state === 'replay') return { ...beginning.answer, replayed: true };
    request.idempotency = { keyHash: keyed.id.keyHash, fingerprint: keyed.fingerprint };
    let answer: Answer;
    try {
      answer = await execute();
    } catch (error) {
      await this.idempotency.abandon(beginning.attempt, error);
      throw error;
    }
    await this.idempotency.finish(beginning.attempt, answer);
    return answer;
  }
}

function keyedRequest(request: FastifyRequest, key: string): KeyedRequest {
  const { principal, deadline, body, notes: meter } = request;
  if (principal === undefined) throw new Error('This route takes an Idempotency-Key but is not @Authenticated.');
  return {
    id: { teamId: principal.teamId, clientId: principal.clientId, keyHash: hashKey(key) },
    fingerprint: fingerprintOf(request.method, pathOf(request.url), body),
    deadline,
    meter,
    span: meter.span,
  };
}

function pathOf(url: string): string {
  const query = url.indexOf('?');
  return query === -1 ? url : url.slice(0, query);
}

/** Each value of a header. Node's `headers` joins them, and the joined text could pass for one. */
function occurrences(request: FastifyRequest, name: string): string[] | undefined {
  if (request.headers[name] === undefined) return undefined;
  const { rawHeaders } = request.raw;
  const values = rawHeaders.filter((_, i) => i % 2 === 1 && rawHeaders[i - 1]?.toLowerCase() === name);
  return values;
}

/** Changes nothing, so there is nothing to do only once. */
function isDryRun(body: unknown): boolean {
  // Nobody has checked the body yet: any member may be anything.
  const options = (body as { options?: { dry_run?: unknown } | null } | null | undefined)?.options;
  return options?.dry_run === true;
}
