import { applyDecorators, createParamDecorator, type ExecutionContext } from '@nestjs/common';
import { RouteConfig } from '@nestjs/platform-fastify';
import { ApiSecurity } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import type { Principal, Scope } from '#libs/auth';
import type { Plan } from '#libs/records';

/** What the hooks have to know about a route that changes records. */
interface WriteConfig {
  operation: Plan['operation'];
  /** The maximum number of items in a request; `MAX_ITEMS` by default. */
  maxItems?: number;
  /** The heap that the plan of a request takes besides its body, in bytes; not considered by default. */
  planHeapOf?: (bodyHeap: number, bodyLimitBytes: number) => number;
}

declare module 'fastify' {
  /** The configuration of a route, declared by `@Authenticated`. */
  interface FastifyContextConfig extends Partial<WriteConfig> {
    /** The scope that the caller's API key needs. */
    scope?: Scope;
  }
}

/** The name of the `x-api-key` security scheme in the OpenAPI document. */
export const API_KEY_SCHEME = 'api_key';

/**
 * Declares the scope that a route needs, for the authentication hook and the OpenAPI document, and what it writes. The process
 * does not start with a route under `/v2/prism` that lacks a scope.
 */
export function Authenticated(scope: 'records:write', write: WriteConfig): MethodDecorator;
export function Authenticated(scope: Exclude<Scope, 'records:write'>): MethodDecorator;
export function Authenticated(scope: Scope, write?: WriteConfig): MethodDecorator {
  return applyDecorators(RouteConfig({ scope, ...write }), ApiSecurity(API_KEY_SCHEME, [scope]));
}

/** Injects the caller. Only for routes with `@Authenticated`: it throws elsewhere. */
export const Caller = createParamDecorator((_: undefined, context: ExecutionContext) =>
  principalOf(context.switchToHttp().getRequest<FastifyRequest>()),
);

/** The caller of a request. @throws Error on a route without `@Authenticated` */
export function principalOf(request: FastifyRequest): Principal {
  const { principal } = request.requestContext;
  if (principal === undefined) throw new Error('this route reads its caller but is not @Authenticated');
  return principal;
}
