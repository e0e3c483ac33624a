import type { FastifyInstance, FastifyRequest } from 'fastify';
import { RequestError } from '#libs/errors';
import { JsonBodyParser } from './json-body.parser';

const CHARSET = /;\s*charset\s*=\s*"?([^\s;"]*)/i;

/** Reads bodies as UTF-8 JSON and refuses every other kind with 415. */
export function registerJsonBodyReader(fastify: FastifyInstance): void {
  fastify.removeAllContentTypeParsers();
  fastify.addHook('preParsing', (request, reply, _payload, done) => {
    if (awaitsContinue(request)) reply.raw.writeContinue();
    done();
  });
  fastify.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body: Buffer, done) => {
    const { requestContext } = request;
    const { permits } = requestContext;
    requestContext.bodyBytes = body.length;
    const unreadable = encodingError(request);
    if (unreadable !== undefined) {
      done(unreadable);
      return;
    }
    const parser = new JsonBodyParser(body);
    const compute = (step: () => boolean, next: () => void): void => {
      permits.compute('parse', body.length, step, (error) => {
        if (error === undefined) next();
        else done(error);
      });
    };
    compute(
      () => parser.scan(),
      () => {
        permits.acquireHeap(parser.heapBytes, (refused) => {
          if (refused !== undefined) {
            done(refused);
            return;
          }
          compute(
            () => parser.parse(),
            () => {
              done(null, parser.value);
            },
          );
        });
      },
    );
  });
}

function awaitsContinue(request: FastifyRequest): boolean {
  const { headers, routeOptions } = request;
  const willBeRead = Number(headers['content-length'] ?? 0) <= routeOptions.bodyLimit;
  return willBeRead && headers.expect?.toLowerCase() === '100-continue';
}

/** Fastify has checked the content type itself, but not its parameters. */
function encodingError({ headers }: FastifyRequest): RequestError | undefined {
  if ((headers['content-encoding']?.toLowerCase() ?? 'identity') !== 'identity') {
    return new RequestError('unsupported_media_type', 'The body must not be compressed: send no content-encoding.');
  }
  const charset = CHARSET.exec(headers['content-type'] ?? '')?.[1]?.toLowerCase() ?? 'utf-8';
  if (charset !== 'utf-8' && charset !== 'utf8') {
    return new RequestError('unsupported_media_type', 'The body must be UTF-8: send no other charset.');
  }
  return undefined;
}
