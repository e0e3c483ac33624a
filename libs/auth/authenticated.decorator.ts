import { applyDecorators } from '@nestjs/common';
import { RouteConfig } from '@nestjs/platform-fastify';
import { ApiSecurity } from '@nestjs/swagger';
import type { Scope } from './scope';

/** The name of the `x-api-key` security scheme in the OpenAPI document. */
export const API_KEY_SCHEME = 'api_key';

/**
 * Declares the scope that a route needs, to the authentication hook and to the OpenAPI document.
 * A route under `/v2/prism` without it stops the start of the program.
 */
export function Authenticated(scope: Scope): MethodDecorator {
  return applyDecorators(RouteConfig({ scope }), ApiSecurity(API_KEY_SCHEME, [scope]));
}
