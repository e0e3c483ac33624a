import { randomInt } from 'node:crypto';
import { getHeapStatistics } from 'node:v8';
import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { Settings } from '#libs/config';
import { ProblemException } from '#libs/problems';
import { type AdmissionStage, Metrics, type ShedReason } from '#libs/telemetry';
import { EventLoopDelay } from './event-loop.delay';
import { FairGate } from './fair.gate';
import { GateRefused, type GateTicket } from './gate.ticket';
import type { Load } from './load';

/** For how long after its last request a client's neighbours leave it its share, in milliseconds. */
const ACTIVE_MS = 1_000;
/** The share of the heap that parsed bodies may take. What is made of them takes about as much again. */
const HEAP_SHARE = 1 / 3;
/** In which those that were refused together come back, in seconds. */
const RETRY_WITHIN_SECONDS = 3;

const MESSAGES: Readonly<Record<ShedReason, string>> = {
  event_loop: 'This process is overloaded. Nothing was done; send the request again.',
  queue_full: 'Too many requests wait for this process. Nothing was done; send the request again.',
  queue_wait: 'This process has more to do than it can do in time. Nothing was done; send the request again.',
};

/**
 * Keeps the process from taking on more than it can do in time: request bodies by their bytes, before they are read, and by
 * what they will take on the heap, before they are parsed; work by its items and by the connections to Postgres, before it begins. What is too much waits for a moment, the clients
 * taking turns, and is then refused with 503: early and cheaply, instead of late after the work was done.
 */
@Injectable()
export class Admission implements OnApplicationShutdown {
  private readonly delay = new EventLoopDelay();
  private readonly bodies: FairGate<'bytes'>;
  private readonly values: FairGate<'heap'>;
  private readonly work: FairGate<'requests' | 'items'>;
  private readonly metrics: Metrics['admission'];

  constructor(
    private readonly settings: Settings,
    { admission }: Metrics,
  ) {
    this.metrics = admission;
    const common = { queueLength: settings.admissionQueueLength, activeMs: ACTIVE_MS };
    const bytes = settings.bodyBytesInFlight;
    this.bodies = new FairGate({
      ...common,
      capacity: { bytes },
      // Slow senders hold what they hold for long, so one client never gets everything.
      share: { besideOthers: { bytes: bytes / 2 }, alone: { bytes: bytes / 2 } },
    });
    const heap = getHeapStatistics().heap_size_limit * HEAP_SHARE;
    this.values = new FairGate({
      ...common,
      capacity: { heap },
      share: { besideOthers: { heap: heap / 2 }, alone: { heap } },
    });
    const requests = settings.databasePoolSize;
    const items = settings.itemsInFlight;
    this.work = new FairGate({
      ...common,
      // More requests than connections would only wait for those again, in no fair order.
      capacity: { requests, items },
      // Items are what keeps Postgres busy: with a quarter of them a greedy client leaves the others most of it. A
      // connection mostly waits, for the disk or the network.
      share: { besideOthers: { requests: requests / 2, items: items / 4 }, alone: { requests, items } },
    });
    this.metrics.observe(() => ({
      requests: this.work.holds('requests'),
      items: this.work.holds('items'),
      bodyBytes: this.bodies.holds('bytes'),
      heapBytes: this.values.holds('heap'),
      waiting: { body: this.bodies.waiting, parse: this.values.waiting, work: this.work.waiting },
    }));
  }

  onApplicationShutdown(): void {
    this.delay.stop();
  }

  /**
   * Asks for room for a request's body, which is not to be read before. Undefined if there is none to be read.
   *
   * @throws ProblemException `unavailable` if the event loop is behind
   */
  receive(clientId: string, bytes: number, remainingMs: number): Admitted<'bytes'> | undefined {
    if (this.delay.ms > this.settings.eventLoopDelayLimitMs) {
      this.metrics.countShed('body', 'event_loop');
      throw overloaded('event_loop');
    }
    if (bytes === 0) return undefined;
    return this.enter('body', this.bodies, clientId, { bytes }, remainingMs);
  }

  /** Asks to parse a body whose value will take so many bytes on the heap. */
  parse(clientId: string, heap: number, remainingMs: number): Admitted<'heap'> {
    return this.enter('parse', this.values, clientId, { heap }, remainingMs);
  }

  /** Asks to begin work on so many items. */
  begin(clientId: string, items: number, remainingMs: number): Admitted<'requests' | 'items'> {
    return this.enter('work', this.work, clientId, { requests: 1, items }, remainingMs);
  }

  private enter<R extends string>(
    stage: AdmissionStage,
    gate: FairGate<R>,
    clientId: string,
    load: Load<R>,
    remainingMs: number,
  ): Admitted<R> {
    const ticket = gate.enter(clientId, load, Math.min(this.settings.admissionQueueWaitMs, remainingMs));
    if (ticket.admitted === undefined) {
      this.metrics.observeWait(stage, 0);
      return { ticket, admitted: undefined };
    }
    const began = performance.now();
    const admitted = ticket.admitted.then(
      () => {
        this.metrics.observeWait(stage, (performance.now() - began) / 1_000);
      },
      (error: unknown) => {
        if (!(error instanceof GateRefused)) throw error;
        this.metrics.countShed(stage, error.reason);
        throw overloaded(error.reason);
      },
    );
    return { ticket, admitted };
  }
}

/** A place, or the promise of one. */
export interface Admitted<R extends string> {
  /** To be left when the request is over, also if it never was admitted. */
  readonly ticket: GateTicket<R>;
  /** Undefined if there is nothing to wait for. Rejects with `unavailable`. */
  readonly admitted: Promise<void> | undefined;
}

function overloaded(reason: ShedReason): ProblemException {
  const seconds = randomInt(1, RETRY_WITHIN_SECONDS + 1);
  return new ProblemException('unavailable', MESSAGES[reason], { headers: { 'retry-after': String(seconds) } });
}
