import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import type { Principal } from './principal';

/** Injects who calls. Only for routes with `@Authenticated`: elsewhere there is nobody, and it throws. */
export const Caller = createParamDecorator((_: undefined, context: ExecutionContext) =>
  callerOf(context.switchToHttp().getRequest<FastifyRequest>()),
);

/** Who calls. @throws Error on a route without `@Authenticated` */
export function callerOf(request: FastifyRequest): Principal {
  if (request.principal === undefined) throw new Error('This route reads its caller but is not @Authenticated.');
  return request.principal;
}
