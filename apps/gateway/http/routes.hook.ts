import type { FastifyInstance, RouteOptions } from 'fastify';
import { RequestError } from '#libs/errors';

interface RoutePath {
  pattern: RegExp;
  parameters: number;
  methods: Set<string>;
}

/**
 * Rejects requests that match no route before their body is read: 405 with `Allow` if a route has the path, else 404. A path
 * with an empty segment matches none: the router accepts empty parameters, and controllers do not. Call it before routes are
 * added, and after authentication.
 */
export function registerRouteCheck(fastify: FastifyInstance): void {
  const paths = new Map<string, RoutePath>();
  fastify.addHook('onRoute', (route) => {
    addRoute(paths, route);
  });
  fastify.addHook('onRequest', (request, _reply, done) => {
    const [path = ''] = request.url.split('?', 1);
    const isKnown = !request.is404 && !hasEmptySegment(path);
    done(isKnown ? undefined : noRoute(paths, path, request.method));
  });
}

function addRoute(paths: Map<string, RoutePath>, { url, method }: RouteOptions): void {
  const path = paths.get(url) ?? {
    pattern: patternOf(url),
    parameters: url.split('/:').length - 1,
    methods: new Set(),
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

function noRoute(paths: Map<string, RoutePath>, path: string, method: string): RequestError {
  // Like the router, prefers the route with the fewest parameters: /a/c over /a/:b.
  const [served] = [...paths.values()]
    .filter(({ pattern }) => pattern.test(path))
    .sort((a, b) => a.parameters - b.parameters);
  if (served === undefined) return new RequestError('not_found', 'There is no such route.');
  const allow = [...served.methods].sort().join(', ');
  return new RequestError('method_not_allowed', `The path does not support ${method}. It supports: ${allow}.`, {
    headers: { allow },
  });
}
