import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { callerOf } from '#libs/auth';
import type { LedgerKey } from '#libs/records';
import { remaining } from './deadline.hook';

/** What a call that changes records needs to know of its request besides target and body. */
export interface WriteCall {
  requestId: string;
  /** The name of who calls. */
  client: string;
  /** Bytes of the request body. */
  bodyBytes: number;
  /** How long the work may still take so that the answer leaves before the caller's deadline, in milliseconds. */
  budget(): number;
  /** Set if the call came with an `Idempotency-Key` that it consumes. */
  key?: LedgerKey;
}

/** The last-resort answer leaves 100 ms or a tenth before the deadline; the work must be over before that. */
const marginMs = 150;
const marginShare = 0.15;

/** Injects the request's {@link WriteCall}. */
export const Call = createParamDecorator((_: undefined, context: ExecutionContext): WriteCall => {
  const request = context.switchToHttp().getRequest<FastifyRequest>();
  const { id: requestId, idempotency, bodyBytes } = request;
  const budget = (): number => {
    const left = remaining(request);
    return left - Math.min(marginMs, left * marginShare);
  };
  const { clientId, clientName: client } = callerOf(request);
  const call = { requestId, client, bodyBytes, budget };
  return idempotency ? { ...call, key: { ...idempotency, clientId, requestId } } : call;
});
