import type { FastifyInstance, FastifyRequest, RouteOptions } from 'fastify';
import {
  type ApiKeyService,
  type AuthFailureReason,
  type AuthMetrics,
  type KeyRefusal,
  type Principal,
  type Scope,
  ThrottledError,
} from '#libs/auth';
import { RequestError } from '#libs/errors';
import { isPrismRoute, teamOfPrismPath } from './prism-path';

/** The least time that the refusal of a throttled client takes, and a random time on top, so that many do not end at once; in milliseconds. */
const THROTTLED_DELAY_MS = 2_000;
const THROTTLED_SPREAD_MS = 2_000;

/** The parameter that names the team in the pattern of every route under `/v2/prism`. */
const TEAM_SEGMENT = /^\/v2\/prism\/:team(\/|$)/;

/**
 * Rejects every request under `/v2/prism`, also one that no route matches, whose key does not give access to its team and
 * route, and sets the principal in the context of the others. Call it before routes are added: it rejects those without a scope.
 */
export function registerAuthentication(fastify: FastifyInstance, keys: ApiKeyService, metrics: AuthMetrics): void {
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
    request.requestContext.principal = caller;
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
  // Without a declared scope no route matched: the response is 404 or 405, and shows nothing.
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

/** The team as the router parsed it, so that authentication and controller see the same one. */
function teamOfRoute(request: FastifyRequest): string {
  // The type of params is unknown: routes added by Nest declare none. `rejectRouteWithoutScope` has checked that `team` is one of them.
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
