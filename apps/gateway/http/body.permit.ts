import type { IncomingMessage } from 'node:http';
import type { Permit, Rejection } from '#libs/limits';

/** How often a body that is arriving is looked at, in milliseconds. */
const CHECK_MS = 1_000;
/** A body of which less arrives between two checks counts only what has arrived. */
const FAST_BYTES = 65_536;

export interface BodyPermitOptions {
  raw: IncomingMessage;
  /** The maximum size of the body, in bytes. */
  announcedBytes: number;
  /** Requests a permit for more bytes. */
  enqueue: (bytes: number) => Permit<'bytes'>;
  /** Called when the request waits for a permit, and when it does not any more. */
  onWait: (waiting: boolean) => void;
  onRejected: (rejection: Rejection) => void;
}

/**
 * The bytes that one request body takes.
 *
 * Nothing is held for a body that is only announced. When its first bytes are there, a permit for all of it is requested, so
 * that bodies do not wait for each other half-way; until it is granted no more is read. A body that then does not arrive
 * keeps a permit for what has arrived, and each further part needs one of its own.
 */
export class BodyPermit {
  private permit: Permit<'bytes'> | undefined;
  private requested: Permit<'bytes'> | undefined;
  private arrived = 0;
  private atLastCheck = 0;
  private isSlow = false;
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly options: BodyPermitOptions) {
    options.raw.on('data', this.onData).once('end', this.onEnd);
  }

  /** The request is over. What has arrived is held until the body has come to its end, or its connection. */
  end(): void {
    const { raw } = this.options;
    const { permit } = this;
    const { socket } = raw;
    this.stop();
    // Nobody needs the rest: it is read and dropped, so that the connection can go on.
    raw.removeAllListeners('data');
    raw.resume();
    if (raw.complete || socket.destroyed) {
      permit?.release();
      return;
    }
    permit?.resize({ bytes: this.arrived });
    // Node does not tell a request with a response that its connection is closed.
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
    const granted = this.permit?.load.bytes ?? 0;
    // Where more arrives than was announced the reader rejects it.
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
      if (isQueued) onWait(false);
      if (rejection !== undefined) {
        onRejected(rejection);
        return;
      }
      if (this.permit === undefined) this.permit = requested;
      else this.permit.absorb(requested);
      this.atLastCheck = this.arrived;
      if (!raw.complete) this.timer ??= setInterval(this.check, CHECK_MS);
      if (isQueued) raw.resume();
    });
  }

  private readonly check = (): void => {
    // While it is paused, nothing can arrive.
    if (this.requested !== undefined) return;
    if (this.arrived - this.atLastCheck < FAST_BYTES) {
      this.isSlow = true;
      this.permit?.resize({ bytes: this.arrived });
    }
    this.atLastCheck = this.arrived;
  };

  private stop(): void {
    clearInterval(this.timer);
    this.requested?.release();
    this.requested = undefined;
    this.options.raw.off('data', this.onData).off('end', this.onEnd);
  }
}
