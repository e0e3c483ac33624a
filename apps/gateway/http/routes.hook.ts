import type { FastifyInstance, RouteOptions } from 'fastify';
import { RequestError } from '#libs/errors';

interface RoutePath {
  pattern: RegExp;
  parameters: number;
  methods: Set<string>;
  /** The routes that a path of this one can match too, with as many parameters or fewer; including this one. */
  candidates: readonly RoutePath[];
}

/**
 * Rejects requests that match no route before their body is read: 405 with `Allow` if a route has the path, else 404. A path
 * with an empty segment matches none: the router accepts empty parameters, and controllers do not. A path belongs to its most
 * specific route alone: `DELETE /a/count` is not the route `DELETE /a/:id`. Call it before routes are added, and after
 * authentication.
 */
export function registerRouteCheck(fastify: FastifyInstance): void {
  const paths = new Map<string, RoutePath>();
  fastify.addHook('onRoute', (route) => {
    addRoute(paths, route);
  });
  fastify.addHook('onRequest', (request, _reply, done) => {
    const [path = ''] = request.url.split('?', 1);
    if (request.is404 || hasEmptySegment(path)) done(noRoute(mostSpecific([...paths.values()], path), request.method));
    else done(errorOfMoreSpecificRoute(paths.get(request.routeOptions.url ?? ''), path, request.method));
  });
  // Every route has been added.
  fastify.addHook('onReady', (done) => {
    for (const [url, route] of paths) route.candidates = candidatesOf(paths, url, route);
    done();
  });
}

function addRoute(paths: Map<string, RoutePath>, { url, method }: RouteOptions): void {
  const path = paths.get(url) ?? {
    pattern: patternOf(url),
    parameters: url.split('/:').length - 1,
    methods: new Set(),
    candidates: [],
  };
  for (const name of [method].flat()) path.methods.add(name);
  paths.set(url, path);
}

function patternOf(url: string): RegExp {
  const segments = url.split('/').map((segment) => (segment.startsWith(':') ? '[^/]+' : escaped(segment)));
  return new RegExp(`^${segments.join('/')}$`);
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}

function hasEmptySegment(path: string): boolean {
  return path.includes('//') || (path.endsWith('/') && path !== '/');
}

/** The route with the fewest parameters that has the path, as the router prefers it: /a/c over /a/:b. */
function mostSpecific(routes: readonly RoutePath[], path: string): RoutePath | undefined {
  const [first] = routes.filter(({ pattern }) => pattern.test(path)).sort((a, b) => a.parameters - b.parameters);
  return first;
}

function candidatesOf(paths: ReadonlyMap<string, RoutePath>, url: string, { parameters }: RoutePath): RoutePath[] {
  return [...paths]
    .filter(([other, route]) => route.parameters <= parameters && overlap(url, other))
    .map(([, route]) => route);
}

/** Whether a path can match both patterns. */
function overlap(one: string, other: string): boolean {
  const [segments, others] = [one.split('/'), other.split('/')];
  return (
    segments.length === others.length &&
    segments.every((segment, n) => {
      const opposite = others[n] ?? '';
      return segment === opposite || segment.startsWith(':') || opposite.startsWith(':');
    })
  );
}

/** The error of a request that the router gave to a less specific route, because its path has no route of this method. */
function errorOfMoreSpecificRoute(
  matched: RoutePath | undefined,
  path: string,
  method: string,
): RequestError | undefined {
  if (matched === undefined || matched.candidates.length < 2) return undefined;
  const served = mostSpecific(matched.candidates, path);
  return served === matched || served?.methods.has(method) === true ? undefined : noRoute(served, method);
}

function noRoute(served: RoutePath | undefined, method: string): RequestError {
  if (served === undefined) return new RequestError('not_found', 'There is no such route.');
  const allow = [...served.methods].sort().join(', ');
  return new RequestError('method_not_allowed', `The path does not support ${method}. It supports: ${allow}.`, {
    headers: { allow },
  });
}
