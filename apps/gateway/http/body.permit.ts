import type { IncomingMessage } from 'node:http';
import type { Permit, Rejection } from '#libs/limits';

/** Interval of the checks of a body that is arriving, in milliseconds. */
const CHECK_MS = 1_000;
/** A body is slow if less than this arrives between two checks: then its permit covers only what has arrived. */
const FAST_BYTES = 65_536;
/** After each section of this size, the event loop serves others before more is read. It takes about half a millisecond. */
const SECTION_BYTES = 262_144;

interface BodyPermitOptions {
  raw: IncomingMessage;
  /** The announced size of the body, in bytes; its maximum size if none was announced. */
  announcedBytes: number;
  /** Requests a permit for more bytes. */
  enqueue: (bytes: number) => Permit<'bytes'>;
  /** How long the client has to wait before its next section is read, in milliseconds. */
  pauseMs: () => number;
  /** Attributes the time of reading these bytes to the client. */
  charge: (bytes: number) => void;
  /** Called when the request starts and stops waiting for a permit or for its next section. */
  onWait: (waiting: boolean) => void;
  onRejected: (rejection: Rejection) => void;
}

/**
 * The permit for the bytes of one request body.
 *
 * An announced body holds nothing until its first bytes arrive. Then a permit for the whole body is requested, so that two
 * half-read bodies cannot wait for each other; until it is granted, no more is read. If the rest arrives slowly, the permit is
 * reduced to what has arrived, and each further part needs its own permit.
 *
 * A large body is read in sections. Otherwise Node reads as much of it as the client can send before it serves others.
 */
export class BodyPermit {
  private permit: Permit<'bytes'> | undefined;
  private requested: Permit<'bytes'> | undefined;
  private arrived = 0;
  private arrivedAtLastCheck = 0;
  private isSlow = false;
  private timer: NodeJS.Timeout | undefined;
  private sectionBytes = 0;
  private cancelTurn: (() => void) | undefined;

  constructor(private readonly options: BodyPermitOptions) {
    options.raw.on('data', this.onData).once('end', this.onEnd);
  }

  /** Ends the request. What has arrived is held until the body ends or its connection is closed. */
  end(): void {
    const { raw } = this.options;
    const { permit } = this;
    const { socket } = raw;
    this.stop();
    // The rest is read and dropped, so that the connection can be reused.
    raw.removeAllListeners('data');
    raw.resume();
    if (raw.complete || socket.destroyed) {
      permit?.release();
      return;
    }
    permit?.resize({ bytes: this.arrived });
    // Node emits no `close` on a request that already has a response.
    const release = (): void => {
      raw.off('end', release);
      socket.off('close', release);
      permit?.release();
    };
    raw.once('end', release);
    socket.once('close', release);
  }

  private readonly onData = (chunk: Buffer): void => {
    this.arrived += chunk.length;
    this.sectionBytes += chunk.length;
    if (this.sectionBytes >= SECTION_BYTES) this.endSection();
    const granted = this.permit?.load.bytes ?? 0;
    // If more arrives than was announced, the reader rejects the body.
    if (this.arrived <= granted || this.requested !== undefined) return;
    const bytes = this.isSlow ? this.arrived - granted : Math.max(this.options.announcedBytes - granted, chunk.length);
    this.request(bytes);
  };

  private readonly onEnd = (): void => {
    this.stop();
    this.permit?.resize({ bytes: this.arrived });
  };

  private request(bytes: number): void {
    const { raw, enqueue, onWait, onRejected } = this.options;
    const requested = enqueue(bytes);
    this.requested = requested;
    const isQueued = requested.state === 'queued';
    if (isQueued) {
      raw.pause();
      onWait(true);
    }
    requested.onSettled((rejection) => {
      this.requested = undefined;
      if (rejection !== undefined) {
        onRejected(rejection);
        return;
      }
      if (this.permit === undefined) this.permit = requested;
      else this.permit.absorb(requested);
      this.arrivedAtLastCheck = this.arrived;
      if (!raw.complete) this.timer ??= setInterval(this.check, CHECK_MS);
      this.resume();
    });
  }

  private endSection(): void {
    this.sectionBytes = 0;
    this.options.raw.pause();
    this.awaitTurn();
  }

  /** Continues when the event loop has served others, and the client's pause is over. */
  private awaitTurn(): void {
    const { pauseMs, charge, onWait } = this.options;
    const waitMs = pauseMs();
    if (waitMs > 0) onWait(true);
    const next = (): void => {
      this.cancelTurn = undefined;
      if (pauseMs() > 0) {
        this.awaitTurn();
        return;
      }
      // Before the next section is read, so that the client's other bodies wait for it.
      charge(SECTION_BYTES);
      // The pause is not counted as slowness of the client.
      this.timer?.refresh();
      this.arrivedAtLastCheck = this.arrived;
      this.resume();
    };
    if (waitMs > 0) {
      const timer = setTimeout(next, waitMs);
      this.cancelTurn = () => {
        clearTimeout(timer);
      };
    } else {
      const immediate = setImmediate(next);
      this.cancelTurn = () => {
        clearImmediate(immediate);
      };
    }
  }

  private resume(): void {
    if (this.requested !== undefined || this.cancelTurn !== undefined) return;
    this.options.onWait(false);
    this.options.raw.resume();
  }

  private readonly check = (): void => {
    // While the body is paused, nothing can arrive.
    if (this.requested !== undefined || this.cancelTurn !== undefined) return;
    if (this.arrived - this.arrivedAtLastCheck < FAST_BYTES) {
      this.isSlow = true;
      this.permit?.resize({ bytes: this.arrived });
    }
    this.arrivedAtLastCheck = this.arrived;
  };

  private stop(): void {
    clearInterval(this.timer);
    this.requested?.release();
    this.requested = undefined;
    this.cancelTurn?.();
    this.cancelTurn = undefined;
    this.options.raw.off('data', this.onData).off('end', this.onEnd);
  }
}
