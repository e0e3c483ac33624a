import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { callerOf } from '#libs/auth';
import type { Exchange } from '#libs/idempotency';
import type { CpuStage, Quota, Step } from '#libs/limits';
import type { LedgerKey, WriteContext } from '#libs/records';
import type { RequestLogContext } from '#libs/telemetry';
import { remaining } from './deadline.hook';
import { canceledByDisconnect } from './client.disconnect';

/** The last-resort answer leaves 100 ms or a tenth before the deadline; the work must be over before that. */
const marginMs = 150;
const marginShare = 0.15;

/** What a call that changes records needs to know of its request besides target and body. */
export class WriteCall implements WriteContext, Exchange {
  readonly cancellation;

  constructor(
    readonly request: FastifyRequest,
    readonly reply: FastifyReply,
  ) {
    this.cancellation = canceledByDisconnect(reply.raw);
  }

  get requestId(): string {
    return this.request.id;
  }

  get client(): string {
    return callerOf(this.request).clientName;
  }

  get notes(): RequestLogContext {
    return this.request.notes;
  }

  /** The time that the database takes is one of the notes. */
  get meter(): RequestLogContext {
    return this.request.notes;
  }

  get quota(): Quota | undefined {
    return this.request.quota;
  }

  /** Runs a computation on the body step by step, and attributes its time to the client. */
  compute(stage: CpuStage, step: Step): Promise<void> {
    return this.request.permits.computed(stage, this.request.bodyBytes, step);
  }

  /** Bytes of the request body. */
  get bodyBytes(): number {
    return this.request.bodyBytes;
  }

  /** Set while a call with an `Idempotency-Key` that it consumes is executed. */
  get key(): LedgerKey | undefined {
    const { idempotency, id: requestId } = this.request;
    return idempotency && { ...idempotency, clientId: callerOf(this.request).clientId, requestId };
  }

  /** Such that the answer leaves before the caller's deadline. */
  budget(): number {
    const left = remaining(this.request);
    return left - Math.min(marginMs, left * marginShare);
  }
}

/** Injects the request's {@link WriteCall}. */
export const Call = createParamDecorator((_: undefined, context: ExecutionContext): WriteCall => {
  const http = context.switchToHttp();
  return new WriteCall(http.getRequest<FastifyRequest>(), http.getResponse<FastifyReply>());
});
