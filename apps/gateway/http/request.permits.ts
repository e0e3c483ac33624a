import type { FastifyReply, FastifyRequest } from 'fastify';
import {
  type Admission,
  type CpuStage,
  overloaded,
  type Permit,
  type Rejection,
  type Step,
  type WorkPermit,
} from '#libs/limits';
import { RequestError, sendError } from '#libs/errors';
import { BodyPermit } from './body.permit';

/** Bodies from this size on are scanned, parsed, hashed and planned in turns. A smaller one mostly takes a millisecond or two. */
const LARGE_BYTES = 65_536;
/** After this time, in milliseconds, the computation on a small body continues in turns as well. */
const MAX_SMALL_MS = 10;
/** CPU time to receive one byte of a response from Postgres and to send it, in milliseconds. */
const RESPONSE_MS_PER_BYTE = 8 / 2 ** 20;
/** CPU time to receive one byte of a body, in milliseconds. */
const BODY_MS_PER_BYTE = 2 / 2 ** 20;

/** Continues with the request, or rejects it. */
type Continue = (error?: Error) => void;

/**
 * Owns every permit of one request: each kind is acquired at most once and released exactly once, on every path. It listens for
 * the end of the response itself, because Fastify's `onResponse` does not run when the client disconnects.
 *
 * - Body and heap are held until the response has left or the connection is closed.
 * - Work is held until the handler has ended, even if the client disconnected: Postgres may still be running its statement.
 * - The bytes of the response are held until it has left or the connection is closed.
 *
 * Requests without an API key hold nothing and never wait: health checks and documents.
 */
export class RequestPermits {
  private isClosed = false;
  private body: BodyPermit | undefined;
  private heap: Permit<'heap'> | undefined;
  private work: WorkPermit | undefined;
  private handler: 'pending' | 'running' | 'done' = 'pending';
  private waitingSince: number | undefined;
  /** CPU time that the request was charged in advance, in milliseconds. */
  private chargedMs = 0;
  private delayTimer: NodeJS.Timeout | undefined;
  /** Called when the request no longer waits in {@link delay}. */
  private endDelay: () => void = () => undefined;

  /** @param onDropped called if the client disconnects before the work of its request has begun */
  constructor(
    private readonly admission: Admission,
    private readonly request: FastifyRequest,
    private readonly reply: FastifyReply,
    private readonly onDropped: () => void,
  ) {
    // Prepended, so that the observer's listener logs the durations that this one records.
    reply.raw.prependOnceListener('close', () => {
      this.close();
    });
  }

  /** Whether the response has left or the connection is closed: nothing more is acquired or continued. */
  get closed(): boolean {
    return this.isClosed;
  }

  /** Whether the body is being read and does not wait for a permit: a delay is then caused by the client. */
  get receiving(): boolean {
    return this.body !== undefined && !this.request.raw.complete && this.waitingSince === undefined;
  }

  /**
   * Runs a computation on `bytes` of the request, and attributes its CPU time to the client. Small ones begin at once, large ones
   * and those that take longer than expected run in turns with those of other requests. `done` is not called after the request has ended.
   */
  compute(stage: CpuStage, bytes: number, step: Step, done: Continue): void {
    this.runSteps(
      stage,
      bytes,
      () => !this.isClosed && step(),
      (error) => {
        if (!this.isClosed) done(error);
      },
    );
  }

  /** Like {@link compute}, for the handler of the route. The promise is rejected when the request has ended. */
  computeAsync(stage: CpuStage, bytes: number, step: Step): Promise<void> {
    return new Promise((resolve, reject) => {
      const guarded = (): boolean => {
        if (this.isClosed) throw new RequestError('unavailable', 'The client disconnected.');
        return step();
      };
      this.runSteps(stage, bytes, guarded, (error) => {
        if (error === undefined) resolve();
        else reject(error);
      });
    });
  }

  /** Runs a synchronous section and attributes its CPU time to the client. */
  measure<T>(stage: CpuStage, section: () => T): T {
    const { cpu } = this.admission;
    return cpu.measure(this.request.requestContext.principal?.clientId ?? '', stage, section);
  }

  /** Acquires permits for the body as it arrives. If it waits too long, the request is rejected. */
  acquireBody(): void {
    const { request } = this;
    const { raw, requestContext } = request;
    const { principal, deadline } = requestContext;
    const announcedBytes = announcedBytesOf(request);
    if (principal === undefined || announcedBytes === 0 || this.body !== undefined || this.isClosed) return;
    const { cpu } = this.admission;
    const endsAt = performance.now() + this.admission.maxWaitMs(deadline.msLeft());
    this.body = new BodyPermit({
      raw,
      announcedBytes,
      pauseMs: () => Math.min(cpu.pauseMs(principal.clientId), endsAt - performance.now()),
      charge: (bytes) => {
        cpu.chargeSection(principal.clientId, bytes * BODY_MS_PER_BYTE);
      },
      enqueue: (bytes) => this.admission.enqueueBody(principal.clientId, bytes, deadline.msLeft()),
      onWait: (waiting) => {
        if (waiting) this.waitingSince ??= performance.now();
        else this.recordWait();
      },
      onRejected: (rejection) => {
        if (!this.reply.sent && !this.reply.raw.headersSent) sendError(this.reply, overloaded(rejection), request.id);
      },
    });
  }

  /** Acquires the heap that the parsed body will take. */
  acquireHeap(bytes: number, done: Continue): void {
    const { principal, deadline } = this.request.requestContext;
    if (this.isClosed) return;
    if (principal === undefined || this.heap !== undefined) {
      done();
      return;
    }
    this.heap = this.admission.enqueueHeap(principal.clientId, bytes, deadline.msLeft());
    this.wait(this.heap, done);
  }

  /** Acquires the permit to execute a request with this number of items. */
  acquireWork(items: number, done: Continue): void {
    const { principal, deadline } = this.request.requestContext;
    if (this.isClosed) {
      if (this.work === undefined && !this.reply.raw.writableFinished) this.onDropped();
      return;
    }
    // The hook runs a second time if a hook or a handler responds with Fastify's 404 handler.
    if (principal === undefined || this.work !== undefined) {
      done();
      return;
    }
    this.delay(principal.clientId, (error) => {
      if (error !== undefined) {
        done(error);
        return;
      }
      this.chargedMs = this.admission.cpu.chargeExpected(principal.clientId);
      this.work = this.admission.enqueueWork(principal.clientId, items, deadline.msLeft());
      this.wait(this.work, done);
    });
  }

  /**
   * Waits until the pause of a client after expensive requests is over. If it takes as long as a request may be queued, the
   * request is rejected: all requests that wait would otherwise begin at once. Beyond a number of them, it is rejected at once.
   */
  private delay(clientId: string, done: Continue): void {
    const endsAt = performance.now() + this.admission.maxWaitMs(this.request.requestContext.deadline.msLeft());
    const check = (): void => {
      this.delayTimer = undefined;
      const pauseMs = this.admission.cpu.pauseMs(clientId);
      const leftMs = endsAt - performance.now();
      if (pauseMs > 0 && leftMs > 0) {
        this.waitingSince ??= performance.now();
        this.delayTimer = setTimeout(check, Math.min(pauseMs, leftMs));
        return;
      }
      this.recordWait();
      this.endDelay();
      if (pauseMs <= 0) done();
      // The response at the deadline may have been sent first.
      else if (!this.reply.sent) done(this.admission.shed('work', 'queue_wait'));
    };
    if (this.admission.cpu.pauseMs(clientId) > 0) {
      const endDelay = this.admission.beginDelay(clientId);
      if (endDelay === undefined) {
        done(this.admission.shed('work', 'queue_full'));
        return;
      }
      this.endDelay = endDelay;
    }
    check();
  }

  /** Runs the handler of the route, unless the connection is closed. The work permit is held until the handler has ended. */
  runHandler(handler: () => unknown): unknown {
    if (this.isClosed) return undefined;
    this.handler = 'running';
    const end = (): void => {
      this.handler = 'done';
      this.endWork();
    };
    let result: unknown;
    try {
      result = handler();
    } catch (error) {
      end();
      throw error;
    }
    if (result instanceof Promise) return result.finally(end);
    end();
    return result;
  }

  /**
   * Adds the bytes of the response to the work permit, until it has left. Call it just before the response is sent, also if the
   * client has disconnected: its CPU time is charged in any case.
   */
  holdResponse(bytes: number): void {
    if (this.work === undefined) return;
    this.admission.cpu.settle(this.work.clientId, this.chargedMs, bytes * RESPONSE_MS_PER_BYTE);
    this.chargedMs = 0;
    if (this.isClosed) return;
    // Still queued: this is a rejection or the response at the deadline.
    if (this.work.state === 'queued') this.work.release();
    else this.work.resize({ ...this.work.load, responseBytes: bytes });
    if (this.handler !== 'running') this.endWork();
  }

  private runSteps(stage: CpuStage, bytes: number, step: Step, done: Continue): void {
    const { cpu, scheduler } = this.admission;
    const clientId = this.request.requestContext.principal?.clientId ?? '';
    if (bytes >= LARGE_BYTES) {
      scheduler.run(clientId, stage, step, done);
      return;
    }
    let failure: Error | undefined;
    try {
      const hasMore = cpu.measure(clientId, stage, () => {
        const until = performance.now() + MAX_SMALL_MS;
        while (step()) if (performance.now() >= until) return true;
        return false;
      });
      if (hasMore) {
        scheduler.run(clientId, stage, step, done);
        return;
      }
    } catch (error) {
      failure = error instanceof Error ? error : new Error('a computation failed', { cause: error });
    }
    done(failure);
  }

  private wait(permit: Permit<string>, done: Continue): void {
    if (permit.state === 'queued') this.waitingSince = performance.now();
    permit.onSettled((rejection: Rejection | undefined) => {
      this.recordWait();
      // The response at the deadline may have been sent first.
      if (!this.isClosed && !this.reply.sent) done(rejection && overloaded(rejection));
    });
  }

  private recordWait(): void {
    if (this.waitingSince === undefined) return;
    this.request.requestContext.log.admissionMs += performance.now() - this.waitingSince;
    this.waitingSince = undefined;
  }

  private close(): void {
    this.recordWait();
    const isWaiting = this.work !== undefined || this.delayTimer !== undefined;
    if (!this.reply.raw.writableFinished && isWaiting && this.handler === 'pending') this.onDropped();
    this.isClosed = true;
    // Frees the body even if the request is still referenced.
    this.request.body = undefined;
    clearTimeout(this.delayTimer);
    this.endDelay();
    this.body?.end();
    this.heap?.release();
    if (this.handler === 'running') this.work?.resize({ ...this.work.load, responseBytes: 0 });
    else this.work?.release();
  }

  private endWork(): void {
    if (this.isClosed) this.work?.release();
    else this.work?.resize({ requests: 0, items: 0, responseBytes: this.work.load.responseBytes });
  }
}

/** The announced size of the body in bytes, or the body limit if the size is unknown. 0 if the body is absent or not read. */
function announcedBytesOf({ method, headers, routeOptions: { bodyLimit } }: FastifyRequest): number {
  if (method === 'GET' || method === 'HEAD') return 0;
  if (headers['transfer-encoding'] !== undefined) return bodyLimit;
  const bytes = Number(headers['content-length'] ?? 0);
  return bytes <= bodyLimit ? bytes : 0;
}
