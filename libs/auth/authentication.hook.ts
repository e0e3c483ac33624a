import { RequestError } from '#libs/errors';
import type { FastifyInstance, FastifyRequest, RouteOptions } from 'fastify';
import type { ApiKeyService, KeyRefusal } from './api-key.service';
import type { AuthFailureReason, AuthMetrics } from './auth.metrics';
import { ThrottledError } from './authentication.throttle';
import { isPrismRoute, teamOfPrismPath } from './prism-path';
import type { Principal } from './principal';
import type { Scope } from './scope';

declare module 'fastify' {
  interface FastifyRequest {
    /** Who calls; set under `/v2/prism` before anything else looks at the request. */
    principal?: Principal;
  }
  interface FastifyContextConfig {
    /** What the caller's key must allow; declared by `@Authenticated`. */
    scope?: Scope;
  }
}

/** The least time that the refusal of a throttled client takes, and a random time on top, so that many do not end at once; in milliseconds. */
const THROTTLED_DELAY_MS = 2_000;
const THROTTLED_SPREAD_MS = 2_000;

/** The parameter that names the team in the pattern of every route under `/v2/prism`. */
const TEAM_SEGMENT = /^\/v2\/prism\/:team(\/|$)/;

/**
 * Refuses every request under `/v2/prism`, also one that no route matches, whose key does not give access to its team and
 * route, and sets `request.principal` on the others. Call it before routes are added: it refuses those without a scope.
 */
export function registerAuthentication(fastify: FastifyInstance, keys: ApiKeyService, metrics: AuthMetrics): void {
  fastify.decorateRequest('principal');
  fastify.addHook('onRoute', rejectRouteWithoutScope);
  fastify.addHook('onRequest', async (request) => {
    const { scope } = request.routeOptions.config;
    const team = scope === undefined ? teamOfPrismPath(request.originalUrl) : teamOfRoute(request);
    if (team === undefined) return;
    const caller = await identify(request, keys, team, scope);
    if (typeof caller === 'string') {
      metrics.countAuthFailure(caller);
      throw new RequestError(caller === 'missing' ? 'unauthorized' : 'forbidden');
    }
    request.principal = caller;
  });
}

async function identify(
  request: FastifyRequest,
  keys: ApiKeyService,
  team: string,
  scope: Scope | undefined,
): Promise<Principal | AuthFailureReason> {
  // Node joins a header that is sent twice with a comma, which no key contains.
  const apiKey = request.headers['x-api-key'];
  if (apiKey === undefined || apiKey === '') return 'missing';
  if (typeof apiKey !== 'string') return 'malformed';
  const caller = await authenticateSlowly(request, keys, apiKey);
  if (typeof caller === 'string') return caller;
  if (caller.teamId !== team.toLowerCase()) return 'team';
  // Without a declared scope no route matched: the answer is 404 or 405, and shows nothing.
  if (scope !== undefined && !caller.scopes.has(scope)) return 'scope';
  return caller;
}

/**
 * Delays the refusal of a client that sends too many invalid keys. A connection has few requests in progress, so the client can
 * only send so many more. Clients behind a proxy share its connections, so those are not delayed.
 */
async function authenticateSlowly(
  request: FastifyRequest,
  keys: ApiKeyService,
  apiKey: string,
): Promise<Principal | KeyRefusal> {
  try {
    return await keys.authenticate(apiKey, request.ip);
  } catch (error) {
    const isThrottled = error instanceof ThrottledError;
    if (isThrottled && request.ip === request.raw.socket.remoteAddress) {
      await new Promise((resolve) =>
        setTimeout(resolve, THROTTLED_DELAY_MS + Math.random() * THROTTLED_SPREAD_MS).unref(),
      );
    }
    throw error;
  }
}

/** The team as the router read it, which is as the controller will: the two cannot differ over an odd spelling. */
function teamOfRoute(request: FastifyRequest): string {
  // The type of params is unknown: routes added by Nest declare none. `refuseOpenRoute` has seen to it that team is there.
  return (request.params as { team: string }).team;
}

function rejectRouteWithoutScope(route: RouteOptions): void {
  if (route.config?.scope === undefined) {
    if (!isPrismRoute(route.url)) return;
    throw new Error(`The route ${String(route.method)} ${route.url} declares no scope: add @Authenticated(scope).`);
  }
  if (TEAM_SEGMENT.test(route.url)) return;
  throw new Error(
    `The route ${String(route.method)} ${route.url} declares a scope but no team: start it /v2/prism/:team.`,
  );
}
