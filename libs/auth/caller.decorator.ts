import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import type { Principal } from './principal';

/** Injects the principal of the request. Throws on a route without `@Authenticated`. */
export const Caller = createParamDecorator((_: undefined, context: ExecutionContext) =>
  callerOf(context.switchToHttp().getRequest<FastifyRequest>()),
);

/** The principal of the request. @throws Error on a route without `@Authenticated` */
export function callerOf(request: FastifyRequest): Principal {
  if (request.principal === undefined) throw new Error('The route uses the principal but is not @Authenticated.');
  return request.principal;
}
