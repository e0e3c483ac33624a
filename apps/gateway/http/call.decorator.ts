import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { callerOf } from '#libs/auth';
import type { WriteContext } from '#libs/records';
import { remaining } from './deadline.hook';
import { canceledByHangUp } from './hang-up';

/**
 * What a call that changes records needs to know of its request besides target and body. Its budget is such that the
 * answer leaves before the caller's deadline; it has a key if it came with an `Idempotency-Key` that it consumes.
 */
export interface WriteCall extends WriteContext {
  requestId: string;
  /** Bytes of the request body. */
  bodyBytes: number;
}

/** The last-resort answer leaves 100 ms or a tenth before the deadline; the work must be over before that. */
const marginMs = 150;
const marginShare = 0.15;

/** Injects the request's {@link WriteCall}. */
export const Call = createParamDecorator((_: undefined, context: ExecutionContext): WriteCall => {
  const http = context.switchToHttp();
  const request = http.getRequest<FastifyRequest>();
  const { id: requestId, idempotency, bodyBytes } = request;
  const budget = (): number => {
    const left = remaining(request);
    return left - Math.min(marginMs, left * marginShare);
  };
  const { clientId, clientName: client } = callerOf(request);
  const cancellation = canceledByHangUp(http.getResponse<FastifyReply>().raw);
  const call = { requestId, client, bodyBytes, budget, cancellation };
  return idempotency ? { ...call, key: { ...idempotency, clientId, requestId } } : call;
});
