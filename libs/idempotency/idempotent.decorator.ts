import { createParamDecorator, type ExecutionContext, UseInterceptors } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { IdempotencyInterceptor } from './idempotency.interceptor';

/**
 * Makes a POST, PUT or PATCH handler accept `Idempotency-Key`. The handler returns an `Answer`, and passes what
 * `@Idempotency()` gives on to the ledger. Only for routes with `@Authenticated`: keys are unique within a client.
 */
export const Idempotent = (): MethodDecorator => UseInterceptors(IdempotencyInterceptor);

/** Injects the request's `IdempotentCall`; undefined without a key, and in a dry run. Only under `@Idempotent()`. */
export const Idempotency = createParamDecorator(
  (_: undefined, context: ExecutionContext) => context.switchToHttp().getRequest<FastifyRequest>().idempotency,
);
