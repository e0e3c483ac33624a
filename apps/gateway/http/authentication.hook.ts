import type { FastifyInstance, FastifyRequest, RouteOptions } from 'fastify';
import {
  type ApiKeyService,
  type AuthFailureReason,
  type AuthMetrics,
  type KeyRejection,
  type Principal,
  type Scope,
  ThrottledError,
} from '#libs/auth';
import { RequestError } from '#libs/errors';

/** The minimum delay of the response to a throttled client. A random part is added, so that many delays do not end together. */
const THROTTLED_DELAY_MS = 2_000;
const THROTTLED_SPREAD_MS = 2_000;
/** Responses that are delayed at once. Each holds its request in memory, so further ones are sent without a delay. */
const MAX_DELAYED = 256;

/** Every route under `/v2/prism` starts with the team. */
const TEAM_SEGMENT = /^\/v2\/prism\/:team(\/|$)/;
const ABSOLUTE_FORM = /^https?:\/\/[^/?#]*/i;

/**
 * Authenticates every request under `/v2/prism`, even one that no route matches: the key must give access to the team and
 * to the route. Sets the principal in the request context. Call it before routes are added: it rejects routes without a scope.
 */
export function registerAuthentication(fastify: FastifyInstance, keys: ApiKeyService, metrics: AuthMetrics): void {
  fastify.addHook('onRoute', rejectRouteWithoutScope);
  const delays = new Delays();
  fastify.addHook('onRequest', async (request) => {
    const { scope } = request.routeOptions.config;
    const team = scope === undefined ? teamOfPrismPath(request.originalUrl) : teamOfRoute(request);
    if (team === undefined) return;
    const principal = await identify(request, keys, delays, team, scope);
    if (typeof principal === 'string') {
      metrics.countAuthFailure(principal);
      throw new RequestError(principal === 'missing' ? 'unauthorized' : 'forbidden');
    }
    request.requestContext.principal = principal;
  });
}

async function identify(
  request: FastifyRequest,
  keys: ApiKeyService,
  delays: Delays,
  team: string,
  scope: Scope | undefined,
): Promise<Principal | AuthFailureReason> {
  // Node.js joins repeated headers with a comma, which no key contains.
  const apiKey = request.headers['x-api-key'];
  if (apiKey === undefined || apiKey === '') return 'missing';
  if (typeof apiKey !== 'string') return 'malformed';
  const principal = await authenticate(request, keys, delays, apiKey);
  if (typeof principal === 'string') return principal;
  if (principal.teamId !== team.toLowerCase()) return 'team';
  // Without a scope no route matched. The response is 404 or 405.
  if (scope !== undefined && !principal.scopes.has(scope)) return 'scope';
  return principal;
}

/**
 * Authenticates a key, and delays the response to a client that sent too many invalid keys. The number of requests in progress
 * per connection is limited, so the delay limits the client. Clients behind a proxy share its connections: they are not delayed.
 */
async function authenticate(
  request: FastifyRequest,
  keys: ApiKeyService,
  delays: Delays,
  apiKey: string,
): Promise<Principal | KeyRejection> {
  try {
    return await keys.authenticate(apiKey, request.ip);
  } catch (error) {
    const isThrottled = error instanceof ThrottledError;
    if (isThrottled && request.ip === request.raw.socket.remoteAddress) await delays.delay();
    throw error;
  }
}

/** Delays responses to throttled clients, up to {@link MAX_DELAYED} at once. */
class Delays {
  private delayed = 0;

  async delay(): Promise<void> {
    if (this.delayed >= MAX_DELAYED) return;
    this.delayed += 1;
    await new Promise((resolve) =>
      setTimeout(resolve, THROTTLED_DELAY_MS + Math.random() * THROTTLED_SPREAD_MS).unref(),
    );
    this.delayed -= 1;
  }
}

/** The team as the router parsed it, so that the controller cannot see another one. */
function teamOfRoute(request: FastifyRequest): string {
  // Routes of Nest declare no type of their parameters. `rejectRouteWithoutScope` ensures that `team` exists.
  return (request.params as { team: string }).team;
}

function rejectRouteWithoutScope(route: RouteOptions): void {
  if (route.config?.scope === undefined) {
    if (!isPrismRoute(route.url)) return;
    throw new Error(`the route ${String(route.method)} ${route.url} declares no scope: add @Authenticated(scope)`);
  }
  if (TEAM_SEGMENT.test(route.url)) return;
  throw new Error(
    `the route ${String(route.method)} ${route.url} declares a scope but no team: start it /v2/prism/:team`,
  );
}

/**
 * The team segment of a request target under `/v2/prism`; empty if it has none; undefined for any other target. Percent-encoding,
 * empty segments and upper case are normalized, so that such a variant requires a key too, although no route matches it.
 */
export function teamOfPrismPath(target: string): string | undefined {
  const path = target.replace(ABSOLUTE_FORM, '').split(/[?#]/, 1)[0] ?? '';
  const [version, api, team] = percentDecoded(path)
    .split('/')
    .filter((segment) => segment !== '');
  if (version?.toLowerCase() !== 'v2' || api?.toLowerCase() !== 'prism') return undefined;
  return team ?? '';
}

/** Whether the pattern of a route can match a path under `/v2/prism`. The catch-all `*` does not count. */
export function isPrismRoute(pattern: string): boolean {
  const [version = '', api = ''] = pattern.split('/').filter((segment) => segment !== '');
  return canMatch(version, 'v2') && canMatch(api, 'prism');
}

/** Whether a segment of a pattern can match a segment of a path. */
function canMatch(segment: string, literal: string): boolean {
  return segment.toLowerCase() === literal || segment.includes(':');
}

function percentDecoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    // Invalid percent-encoding: decode each valid escape of ASCII, so that an invalid one cannot hide the prefix.
    return path.replace(/%[2-7][0-9a-f]/gi, (escape) => decodeURIComponent(escape));
  }
}
