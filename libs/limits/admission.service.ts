import { randomInt } from 'node:crypto';
import { getHeapStatistics } from 'node:v8';
import { Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import { Settings } from '#libs/config';
import { RequestError } from '#libs/errors';
import { LogLimiter } from '#libs/telemetry';
import { CpuScheduler } from './cpu.scheduler';
import { CpuUsage, STALL_MS } from './cpu.usage';
import { EventLoopDelay } from './event-loop.delay';
import { FairQueue, type FairQueueOptions } from './fair.queue';
import { type AdmissionStage, LimitsMetrics, type ShedReason } from './limits.metrics';
import type { Permit } from './permit';

/** How long a client counts as active after its last request, in milliseconds. */
const ACTIVE_MS = 1_000;
/** The share of the heap for parsed bodies. Their plans take about as much again. */
const HEAP_SHARE = 1 / 3;
/** `Retry-After` of rejected requests is random up to this many seconds, to spread the retries. */
const RETRY_WITHIN_SECONDS = 3;
/** The assumed size of a response while its real size is unknown, in bytes. */
const EXPECTED_RESPONSE_BYTES = 65_536;

const MESSAGES: Readonly<Record<ShedReason, string>> = {
  event_loop: 'This process is overloaded. Nothing was done; send the request again.',
  queue_full: 'Too many requests wait for this process. Nothing was done; send the request again.',
  queue_wait: 'This process has more to do than it can do in time. Nothing was done; send the request again.',
};

/** The permit that a request holds while it is executed and until its response has left. */
export type WorkPermit = Permit<'requests' | 'items' | 'responseBytes'>;

/**
 * Protects the process from overload. It grants permits for the bytes of request bodies, for the heap of parsed bodies, and for
 * work: connections to Postgres, items, and bytes of responses. A request without a permit is queued for a short time, with
 * clients taking turns, and then rejected with 503. Nothing of a rejected request was executed.
 */
@Injectable()
export class Admission implements OnApplicationShutdown {
  /** Attributes the CPU time of requests to their clients. */
  readonly cpu: CpuUsage;
  /** Runs long computations in sections, with clients taking turns. */
  readonly scheduler: CpuScheduler;
  private readonly eventLoopDelay: EventLoopDelay;
  private readonly logger = new Logger(Admission.name);
  private readonly bodies: FairQueue<'bytes'>;
  private readonly heap: FairQueue<'heap'>;
  private readonly work: FairQueue<'requests' | 'items' | 'responseBytes'>;
  /** Requests that wait until the pause of their client is over, by client. */
  private readonly delayed = new Map<string, number>();

  constructor(
    private readonly settings: Settings,
    private readonly metrics: LimitsMetrics,
  ) {
    /** Whether a client caused the stall that the next sample of the event loop delay reports. */
    let isAttributed = false;
    const limiter = new LogLimiter((stage, repeated, intervalMs) => {
      this.logger.warn({ message: 'the event loop was blocked again', stage, repeated, interval_ms: intervalMs });
    });
    this.cpu = new CpuUsage((clientId, stage, ms) => {
      isAttributed = true;
      metrics.countStall(stage);
      if (limiter.admits(stage))
        this.logger.warn({ message: 'the event loop was blocked', client_id: clientId, stage, ms });
    });
    this.scheduler = new CpuScheduler(this.cpu);
    this.eventLoopDelay = new EventLoopDelay(undefined, (ms) => {
      if (ms >= STALL_MS && !isAttributed) metrics.countStall('other');
      isAttributed = false;
    });
    this.bodies = this.createQueue('body', {
      capacity: { bytes: settings.maxBodyBytesInFlight },
      share: 'dynamic',
    });
    this.heap = this.createQueue('parse', {
      capacity: { heap: getHeapStatistics().heap_size_limit * HEAP_SHARE },
      share: 'dynamic',
    });
    this.work = this.createQueue('work', workLimits(settings));
    this.metrics.observeAdmission(() => ({
      requests: this.work.inUse('requests'),
      items: this.work.inUse('items'),
      bodyBytes: this.bodies.inUse('bytes'),
      heapBytes: this.heap.inUse('heap'),
      responseBytes: this.work.inUse('responseBytes'),
      queued: { body: this.bodies.length, parse: this.heap.length, work: this.work.length },
    }));
  }

  onApplicationShutdown(): void {
    this.eventLoopDelay.stop();
  }

  /** @throws RequestError `unavailable` if the event loop is delayed and the client uses at least its fair share of the CPU */
  rejectIfOverloaded(clientId: string): void {
    this.cpu.countRequest(clientId);
    if (this.eventLoopDelay.ms <= this.settings.maxEventLoopDelayMs || !this.cpu.exceedsFairShare(clientId)) return;
    throw this.shed('body', 'event_loop');
  }

  /** Requests a permit for `bytes` of a body. */
  enqueueBody(clientId: string, bytes: number, remainingMs: number): Permit<'bytes'> {
    return this.bodies.enqueue(clientId, { bytes }, this.maxWaitMs(remainingMs));
  }

  /** Requests a permit for the heap of a parsed body. @param heap in bytes */
  enqueueHeap(clientId: string, heap: number, remainingMs: number): Permit<'heap'> {
    return this.heap.enqueue(clientId, { heap }, this.maxWaitMs(remainingMs));
  }

  /** Requests a permit to execute a request with this number of items. */
  enqueueWork(clientId: string, items: number, remainingMs: number): WorkPermit {
    const load = { requests: 1, items, responseBytes: EXPECTED_RESPONSE_BYTES };
    return this.work.enqueue(clientId, load, this.maxWaitMs(remainingMs));
  }

  /**
   * Counts a request that waits until the pause of its client is over.
   *
   * @returns a function that ends the wait, and can be called again; undefined if as many requests of the client wait as can be
   *   queued
   */
  beginDelay(clientId: string): (() => void) | undefined {
    const delayed = this.delayed.get(clientId) ?? 0;
    if (delayed >= this.settings.admissionMaxQueueLength) return undefined;
    this.delayed.set(clientId, delayed + 1);
    let isDelayed = true;
    return () => {
      if (!isDelayed) return;
      isDelayed = false;
      const left = (this.delayed.get(clientId) ?? 1) - 1;
      if (left === 0) this.delayed.delete(clientId);
      else this.delayed.set(clientId, left);
    };
  }

  /** Counts a rejected request. @returns the error to respond with */
  shed(stage: AdmissionStage, reason: ShedReason): RequestError {
    this.metrics.countShed(stage, reason);
    return overloaded(reason);
  }

  /** The maximum wait for a permit, in milliseconds. @param remainingMs until the deadline of the request */
  maxWaitMs(remainingMs: number): number {
    return Math.min(this.settings.admissionMaxWaitMs, remainingMs);
  }

  private createQueue<R extends string>(
    stage: AdmissionStage,
    limits: Pick<FairQueueOptions<R>, 'capacity' | 'share' | 'exceedable'>,
  ): FairQueue<R> {
    return new FairQueue({
      ...limits,
      maxQueueLength: this.settings.admissionMaxQueueLength,
      activeMs: ACTIVE_MS,
      onSettled: (waitedMs, rejection) => {
        if (rejection === undefined) this.metrics.observeWait(stage, waitedMs / 1_000);
        else this.metrics.countShed(stage, rejection);
      },
    });
  }
}

/** The response to a request that is rejected because of overload. */
export function overloaded(reason: ShedReason): RequestError {
  return new RequestError('unavailable', MESSAGES[reason], {
    retryAfterSeconds: randomInt(1, RETRY_WITHIN_SECONDS + 1),
  });
}

function workLimits(
  settings: Settings,
): Pick<FairQueueOptions<'requests' | 'items' | 'responseBytes'>, 'capacity' | 'share' | 'exceedable'> {
  // As many as connections: further requests would wait for a connection, and that queue is not fair.
  const requests = settings.databasePoolSize;
  const items = settings.maxItemsInFlight;
  const responseBytes = settings.maxResponseBytesInFlight;
  // One connection, and its part of the items, is reserved for a client that is not active yet.
  const shared = Math.max(1, requests - 1);
  return {
    capacity: { requests, items, responseBytes },
    share: {
      alone: { requests: shared, items: (items * shared) / requests, responseBytes: responseBytes / 2 },
      // Items determine the load of Postgres, so one client gets only a quarter of them. Connections mostly wait for the
      // disk or the network.
      withOthers: { requests: requests / 2, items: items / 4, responseBytes: responseBytes / 4 },
    },
    // The size of a response is known only after the work. A client with large responses must not block the others.
    exceedable: ['responseBytes'],
  };
}
