import type { Server } from 'node:http';
import { fastify, type FastifyInstance } from 'fastify';
import type { Settings } from '#libs/config';
import { respondToClientError } from './client-error.handler';
import { Connections } from './connections';
import { MAX_HEADER_BYTES, requestIdOf, routableTarget } from './request-head';

/** Longer than the 60 s after which load balancers close idle connections, so that the gateway never closes one first. */
const KEEP_ALIVE_MS = 75_000;
const HEADERS_MS = 15_000;
/** Added to the request timeout, at which a request that is still arriving has got its response. */
const ARRIVAL_GRACE_MS = 15_000;
const CHECK_INTERVAL_MS = 5_000;

export interface HttpServer {
  fastify: FastifyInstance;
  connections: Connections;
}

/** Creates Fastify and its Node server, without hooks and routes. */
export function createHttpServer(settings: Settings): HttpServer {
  const instance = fastify({
    logger: false,
    genReqId: requestIdOf,
    rewriteUrl: routableTarget,
    bodyLimit: settings.bodyLimitBytes,
    keepAliveTimeout: KEEP_ALIVE_MS,
    requestTimeout: settings.requestTimeoutMs + ARRIVAL_GRACE_MS,
    // For a connection without traffic in either direction, such as that of a client that does not read its response.
    connectionTimeout: settings.requestTimeoutMs + ARRIVAL_GRACE_MS,
    trustProxy: settings.trustedProxies ?? false,
    // Requests in progress are completed when the process stops.
    return503OnClosing: false,
    http: {
      maxHeaderSize: MAX_HEADER_BYTES,
      // Even if the process is started with --insecure-http-parser.
      insecureHTTPParser: false,
      headersTimeout: HEADERS_MS,
      connectionsCheckingInterval: CHECK_INTERVAL_MS,
      // Node's own error has neither body nor request id; that of `registerRequestHeadCheck` has both.
      requireHostHeader: false,
    },
    // The controller checks the length of path parameters; the router must not reject them.
    routerOptions: { maxParamLength: MAX_HEADER_BYTES },
    clientErrorHandler: (error, socket) => {
      respondToClientError(error, socket, connections);
    },
  });
  const connections = new Connections(instance.server, settings.maxConnections);
  handleExpectations(instance.server);
  return { fastify: instance, connections };
}

/**
 * Handles a request with `Expect` like any other. `registerJsonBodyReader` sends `100 Continue` just before it reads the body,
 * so that a rejected request need not send one. Other expectations are ignored, as RFC 9110 allows.
 */
function handleExpectations(server: Server): void {
  for (const event of ['checkContinue', 'checkExpectation'] as const) {
    server.on(event, (request, response) => {
      server.emit('request', request, response);
    });
  }
}
