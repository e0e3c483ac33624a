import type { FastifyInstance, RouteOptions } from 'fastify';
import { RequestError } from '#libs/errors';

interface RoutePath {
  pattern: RegExp;
  parameters: number;
  methods: Set<string>;
}

/**
 * Refuses requests that match no route: 405 with `Allow` if the path is one of ours, else 404, before the body is looked at.
 * A path with an empty segment matches none: for the router a parameter may be empty, for a controller it is never. Call it before routes are added, and after authentication.
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
  // Of /a/:b and /a/c the router serves /a/c with the second: so does the answer to what neither serves.
  const [served] = [...paths.values()]
    .filter(({ pattern }) => pattern.test(path))
    .sort((a, b) => a.parameters - b.parameters);
  if (served === undefined) return new RequestError('not_found', 'There is no such route.');
  const allow = [...served.methods].sort().join(', ');
  return new RequestError('method_not_allowed', `${method} is not possible here. Possible: ${allow}.`, {
    headers: { allow },
  });
}
