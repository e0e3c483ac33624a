import { UseInterceptors } from '@nestjs/common';
import { IdempotencyInterceptor } from './idempotency.interceptor';

/**
 * Makes a POST, PUT or PATCH handler accept `Idempotency-Key`. The handler returns an `Answer`, and passes
 * `request.idempotency` on to the ledger. Only for routes with `@Authenticated`: keys are unique within a client.
 */
export const Idempotent = (): MethodDecorator => UseInterceptors(IdempotencyInterceptor);
