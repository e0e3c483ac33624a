import { applyDecorators } from '@nestjs/common';
import { RouteConfig } from '@nestjs/platform-fastify';
import { ApiSecurity } from '@nestjs/swagger';
import type { Scope } from './scope';

/** The name of the `x-api-key` security scheme in the OpenAPI document. */
export const API_KEY_SCHEME = 'api_key';

/**
 * Declares the scope that a route requires, for the authentication hook and the OpenAPI document. The process does not start if
 * a route under `/v2/prism` has no scope.
 */
export function Authenticated(scope: Scope): MethodDecorator {
  return applyDecorators(RouteConfig({ scope }), ApiSecurity(API_KEY_SCHEME, [scope]));
}
