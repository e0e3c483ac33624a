import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Admission, Admitted } from '#libs/limits';
import type { Metrics } from '#libs/telemetry';
import { countAbandoned } from './abandoned.items';
import { remaining } from './deadline.hook';

declare module 'fastify' {
  interface FastifyRequest {
    /** The room that its body takes until its answer has left. */
    bodyRoom: Admitted<'bytes'>['ticket'] | undefined;
    /** The room that its parsed body takes until its answer has left. */
    valueRoom: Admitted<'heap'>['ticket'] | undefined;
    /** Its place among those that are worked on, until its answer is there. */
    workPlace: Admitted<'requests' | 'items'>['ticket'] | undefined;
    /** Its answer has left, or its caller: whatever still arrives or happens, it takes no room and no place any more. */
    isOver: boolean;
    /** Since when it waits for one of these, on the clock of `performance.now()`; undefined while it does not. */
    inLineSince: number | undefined;
  }
}

/** The members of bodies that hold what is to be done, one by one. */
const LISTS = ['items', 'ids', 'objects'] as const;
/** More than any call works on before it answers. */
const MOST_ITEMS = 100;

/**
 * Lets a caller's body be read, and then its work begin, when there is room for it. Call it when nothing else can be wrong
 * with the headers of the request, and before bodies are read. Health checks and documents have no caller, and never wait.
 */
export function registerAdmission(fastify: FastifyInstance, admission: Admission, metrics: Metrics): void {
  fastify.decorateRequest('bodyRoom');
  fastify.decorateRequest('valueRoom');
  fastify.decorateRequest('workPlace');
  fastify.decorateRequest('isOver', false);
  fastify.decorateRequest('inLineSince');

  fastify.addHook('onRequest', (request, reply, done) => {
    const { principal } = request;
    const room = principal && admission.receive(principal.clientId, bodyBytesOf(request), remaining(request));
    request.bodyRoom = room?.ticket;
    // A caller that hangs up leaves, in line or inside. Before the observer, who then writes what the notes say.
    reply.raw.prependOnceListener('close', () => {
      noteWait(request);
      // Else its deadline came first, and it has its answer.
      const hungUp = !reply.raw.writableFinished;
      if (hungUp && request.workPlace?.state === 'waiting') countAbandoned(request, itemsOf(request.body), metrics);
      // Let go with its room: whoever still knows the request must not keep it.
      request.body = undefined;
      request.isOver = true;
      leaveBodyRoom(request);
      request.valueRoom?.leave();
      request.workPlace?.leave();
    });
    enter(room, request, done);
  });

  // Hooks, not an interceptor of Nest: what is refused here has claimed no Idempotency-Key, and an interceptor costs more.
  fastify.addHook('preHandler', (request, _reply, done) => {
    const { principal } = request;
    const items = itemsOf(request.body);
    if (request.raw.socket.destroyed) {
      countAbandoned(request, items, metrics);
      return;
    }
    const place = principal && admission.begin(principal.clientId, items, remaining(request));
    request.workPlace = place?.ticket;
    enter(place, request, done);
  });

  // However slowly it is read, the work is over.
  fastify.addHook('onSend', (request, _reply, payload, done) => {
    request.workPlace?.leave();
    done(null, payload);
  });
}

/** Lets the body of a request be parsed when there is room for what becomes of it. */
export function admitParsing(admission: Admission, request: FastifyRequest, heapBytes: number, done: Continue): void {
  const { principal } = request;
  const room = principal && admission.parse(principal.clientId, heapBytes, remaining(request));
  request.valueRoom = room?.ticket;
  enter(room, request, done);
}

/** Goes on, or fails. */
type Continue = (error?: Error) => void;

/** Goes on when it is admitted. Nothing begins for a caller that has its answer or has hung up already. */
function enter(place: Admitted<string> | undefined, request: FastifyRequest, done: Continue): void {
  if (place === undefined) {
    done();
    return;
  }
  const { ticket, admitted } = place;
  if (request.isOver || request.raw.socket.destroyed) {
    ticket.leave();
    return;
  }
  if (admitted === undefined) {
    done();
    return;
  }
  request.inLineSince = performance.now();
  const proceed = (error?: Error): void => {
    noteWait(request);
    done(error);
  };
  admitted.then(() => {
    proceed();
  }, proceed);
}

/** A body that its answer overtook takes memory until the rest of it was read, or the connection is closed. */
function leaveBodyRoom({ raw, bodyRoom }: FastifyRequest): void {
  const { socket } = raw;
  if (bodyRoom?.state !== 'inside' || raw.complete || socket.destroyed) {
    bodyRoom?.leave();
    return;
  }
  // Node tells a request that has its answer nothing of the end of its connection.
  const leave = (): void => {
    raw.off('end', leave);
    socket.off('close', leave);
    bodyRoom.leave();
  };
  raw.once('end', leave);
  socket.once('close', leave);
}

/** Its wait is over, if it was waiting. */
function noteWait(request: FastifyRequest): void {
  if (request.inLineSince === undefined) return;
  request.notes.admissionMs += performance.now() - request.inLineSince;
  request.inLineSince = undefined;
}

/** As announced. One of unknown length may come to be as large as any; one that is too large is refused unread. */
function bodyBytesOf({ headers, routeOptions: { bodyLimit } }: FastifyRequest): number {
  if (headers['transfer-encoding'] !== undefined) return bodyLimit;
  const bytes = Number(headers['content-length'] ?? 0);
  return bytes <= bodyLimit ? bytes : 0;
}

/** How many items a request asks for; 1 where there is no list of them. */
function itemsOf(body: unknown): number {
  if (typeof body !== 'object' || body === null) return 1;
  const members = body as Partial<Record<string, unknown>>; // an object has no other members
  const list = LISTS.map((name) => members[name]).find(Array.isArray);
  return Math.min(MOST_ITEMS, Math.max(1, list?.length ?? 1));
}
