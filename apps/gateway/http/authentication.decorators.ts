import { applyDecorators, createParamDecorator, type ExecutionContext } from '@nestjs/common';
import { RouteConfig } from '@nestjs/platform-fastify';
import { ApiSecurity } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import type { Principal, Scope } from '#libs/auth';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The scope that the caller's API key needs; declared by `@Authenticated`. */
    scope?: Scope;
  }
}

/** The name of the `x-api-key` security scheme in the OpenAPI document. */
export const API_KEY_SCHEME = 'api_key';

/**
 * Declares the scope that a route needs, for the authentication hook and the OpenAPI document.
 * The process does not start with a route under `/v2/prism` that lacks it.
 */
export function Authenticated(scope: Scope): MethodDecorator {
  return applyDecorators(RouteConfig({ scope }), ApiSecurity(API_KEY_SCHEME, [scope]));
}

/** Injects the caller. Only for routes with `@Authenticated`: it throws elsewhere. */
export const Caller = createParamDecorator((_: undefined, context: ExecutionContext) =>
  principalOf(context.switchToHttp().getRequest<FastifyRequest>()),
);

/** The caller of a request. @throws Error on a route without `@Authenticated` */
export function principalOf(request: FastifyRequest): Principal {
  const { principal } = request.requestContext;
  if (principal === undefined) throw new Error('This route reads its caller but is not @Authenticated.');
  return principal;
}
