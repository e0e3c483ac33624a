import type { Server } from 'node:http';
import { fastify, type FastifyInstance } from 'fastify';
import type { Settings } from '#libs/config';
import { respondToClientError } from './client-error.handler';
import { Connections } from './connections';
import { MAX_HEADER_BYTES } from './header.limit';
import { requestIdOf } from './request-id';
import { routableTarget } from './request-target';

/** Longer than the 60 s after which load balancers drop idle connections: whoever hangs up first must not be us. */
const KEEP_ALIVE_MS = 75_000;
const HEADERS_MS = 15_000;
/** On top of the deadline, at which a request that is still arriving has been answered. */
const ARRIVAL_GRACE_MS = 15_000;
const CHECK_INTERVAL_MS = 5_000;

export interface HttpServer {
  fastify: FastifyInstance;
  connections: Connections;
}

/** Fastify and Node's server below it, as yet without hooks and routes. */
export function createHttpServer(settings: Settings): HttpServer {
  const instance = fastify({
    logger: false,
    genReqId: requestIdOf,
    rewriteUrl: routableTarget,
    bodyLimit: settings.bodyLimitBytes,
    keepAliveTimeout: KEEP_ALIVE_MS,
    requestTimeout: settings.requestTimeoutMs + ARRIVAL_GRACE_MS,
    // Of a connection on which nothing moves in either direction: that of a caller who does not read its answer.
    connectionTimeout: settings.requestTimeoutMs + ARRIVAL_GRACE_MS,
    trustProxy: settings.trustedProxies ?? false,
    // A request that is there when the process stops is answered like any other.
    return503OnClosing: false,
    http: {
      maxHeaderSize: MAX_HEADER_BYTES,
      // Whatever flags the process was started with.
      insecureHTTPParser: false,
      headersTimeout: HEADERS_MS,
      connectionsCheckingInterval: CHECK_INTERVAL_MS,
      // Node's own refusal has neither envelope nor request id; `registerTargetCheck` has both.
      requireHostHeader: false,
    },
    // No path can be longer than all headers together: a long segment is for its reader to judge.
    routerOptions: { maxParamLength: MAX_HEADER_BYTES },
    clientErrorHandler: (error, socket) => {
      respondToClientError(error, socket, connections);
    },
  });
  const connections = new Connections(instance.server);
  handleExpectations(instance.server);
  return { fastify: instance, connections };
}

/**
 * A caller that waits for `100 Continue` gets it just before its body is read (`registerJsonBodyReader`), so that it need
 * not send one that is refused unread. Other expectations may be ignored, and are.
 */
function handleExpectations(server: Server): void {
  for (const event of ['checkContinue', 'checkExpectation'] as const) {
    server.on(event, (request, response) => {
      server.emit('request', request, response);
    });
  }
}
