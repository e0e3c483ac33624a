import type { FastifyInstance, FastifyRequest } from 'fastify';
import { RequestError } from '#libs/errors';
import type { CpuUsage } from '#libs/limits';
import { examineJsonBody } from './json-body.parser';
import { ParseMutex } from './parse.mutex';

declare module 'fastify' {
  interface FastifyRequest {
    /** How many bytes the body has as it came; 0 if there is none. */
    bodyBytes: number;
  }
}

/** From here on, bodies are scanned and parsed one at a time. A smaller one takes a millisecond or two at most. */
const LARGE_BYTES = 65_536;

const CHARSET = /;\s*charset\s*=\s*"?([^\s;"]*)/i;

/** Reads bodies as UTF-8 JSON and refuses every other kind with 415. */
export function registerJsonBodyReader(fastify: FastifyInstance, cpu: CpuUsage): void {
  fastify.decorateRequest('bodyBytes', 0);
  fastify.removeAllContentTypeParsers();
  fastify.addHook('preParsing', (request, reply, _payload, done) => {
    if (awaitsContinue(request)) reply.raw.writeContinue();
    done();
  });
  const mutex = new ParseMutex(cpu);
  fastify.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body: Buffer, done) => {
    request.bodyBytes = body.length;
    const run = (section: () => void): void => {
      if (body.length < LARGE_BYTES) section();
      else mutex.enqueue(request.principal?.clientId ?? '', section);
    };
    run(() => {
      // Nobody waits for it any more, and its permits are released.
      if (request.permits.closed) return;
      const examined = attempt(request, () => {
        rejectUnreadable(request);
        return examineJsonBody(body);
      });
      if (examined instanceof Error) {
        done(examined);
        return;
      }
      request.permits.acquireHeap(examined.heapBytes, (refused) => {
        if (refused) {
          done(refused);
          return;
        }
        run(() => {
          if (request.permits.closed) return;
          const parsed = attempt(request, () => ({ value: examined.parse() }));
          if (parsed instanceof Error) done(parsed);
          else done(null, parsed.value);
        });
      });
    });
  });
}

/** Runs a step of reading the body; what it throws is returned, so that `done` is called once whatever `done` throws. */
function attempt<T>(request: FastifyRequest, step: () => T): T | Error {
  try {
    return request.permits.measure('parse', step);
  } catch (error) {
    return error instanceof Error ? error : new Error('The body cannot be read.', { cause: error });
  }
}

function awaitsContinue(request: FastifyRequest): boolean {
  const { headers, routeOptions } = request;
  const willBeRead = Number(headers['content-length'] ?? 0) <= routeOptions.bodyLimit;
  return willBeRead && headers.expect?.toLowerCase() === '100-continue';
}

/** Fastify has looked at the content type itself, but not at its parameters. @throws RequestError `unsupported_media_type` */
function rejectUnreadable({ headers }: FastifyRequest): void {
  if ((headers['content-encoding']?.toLowerCase() ?? 'identity') !== 'identity') {
    throw new RequestError('unsupported_media_type', 'The body must not be compressed: send no content-encoding.');
  }
  const charset = CHARSET.exec(headers['content-type'] ?? '')?.[1]?.toLowerCase() ?? 'utf-8';
  if (charset !== 'utf-8' && charset !== 'utf8') {
    throw new RequestError('unsupported_media_type', 'The body must be UTF-8: send no other charset.');
  }
}
