import type { FastifyInstance, FastifyRequest } from 'fastify';
import { ProblemException } from '#libs/problems';
import { examineJsonBody, type ParsableBody } from './json-body.parser';
import { ParseTurns } from './parse.turns';

declare module 'fastify' {
  interface FastifyRequest {
    /** How many bytes the body has as it came; 0 if there is none. */
    bodyBytes: number;
  }
}

/** From here on, bodies are parsed one at a time: a hostile one of this size takes some 50 ms. */
const LARGE_BYTES = 262_144;

const CHARSET = /;\s*charset\s*=\s*"?([^\s;"]*)/i;

/** Reads bodies as UTF-8 JSON and refuses every other kind with 415. */
export function registerJsonBodyReader(fastify: FastifyInstance): void {
  fastify.decorateRequest('bodyBytes', 0);
  fastify.removeAllContentTypeParsers();
  fastify.addHook('preParsing', (request, reply, _payload, done) => {
    if (awaitsContinue(request)) reply.raw.writeContinue();
    done();
  });
  const turns = new ParseTurns();
  fastify.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body: Buffer, done) => {
    request.bodyBytes = body.length;
    let examined: ParsableBody;
    try {
      refuseUnreadable(request);
      examined = examineJsonBody(body);
    } catch (error) {
      done(asError(error));
      return;
    }
    const parse = (): void => {
      // Nobody waits for it, and nobody counts any more what it would take.
      if (request.permits.closed) return;
      try {
        done(null, examined.parse());
      } catch (error) {
        done(asError(error));
      }
    };
    request.permits.acquireHeap(examined.heapBytes, (refused) => {
      if (refused) done(refused);
      else if (body.length < LARGE_BYTES) parse();
      else turns.next().then(parse, done);
    });
  });
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error('The body cannot be read.', { cause: error });
}

function awaitsContinue(request: FastifyRequest): boolean {
  const { headers, routeOptions } = request;
  const willBeRead = Number(headers['content-length'] ?? 0) <= routeOptions.bodyLimit;
  return willBeRead && headers.expect?.toLowerCase() === '100-continue';
}

/** Fastify has looked at the content type itself, but not at its parameters. @throws ProblemException `unsupported_media_type` */
function refuseUnreadable({ headers }: FastifyRequest): void {
  if ((headers['content-encoding']?.toLowerCase() ?? 'identity') !== 'identity') {
    throw new ProblemException('unsupported_media_type', 'The body must not be compressed: send no content-encoding.');
  }
  const charset = CHARSET.exec(headers['content-type'] ?? '')?.[1]?.toLowerCase() ?? 'utf-8';
  if (charset !== 'utf-8' && charset !== 'utf8') {
    throw new ProblemException('unsupported_media_type', 'The body must be UTF-8: send no other charset.');
  }
}
