import type { Load } from './load';

/** Why someone who asked was not let in: too many wait, or the wait became too long. */
export type GateRefusal = 'queue_full' | 'queue_wait';

/** What the wait of somebody who is not let in ends with. */
export class GateRefused extends Error {
  override readonly name = 'GateRefused';

  constructor(readonly reason: GateRefusal) {
    super(`not let in: ${reason}`);
  }
}

/** What a gate does for its tickets. */
interface Gate<R extends string> {
  leave(ticket: GateTicket<R>): void;
  exchange(ticket: GateTicket<R>, load: Load<R>): void;
  giveUp(ticket: GateTicket<R>, reason: GateRefusal): void;
}

/** Held by one who asked to be let in, until {@link leave}. */
export class GateTicket<R extends string> {
  /** Settles when the wait is over, rejected with {@link GateRefused}; undefined if there was none. */
  admitted: Promise<void> | undefined;
  state: 'waiting' | 'inside' | 'over' = 'waiting';
  private settle: { in: () => void; out: (refused: GateRefused) => void } | undefined;
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly gate: Gate<R>,
    readonly clientId: string,
    public load: Load<R>,
  ) {}

  /** Gives back what is not needed after all. @param load at most what it holds */
  reduceTo(load: Load<R>): void {
    if (this.state !== 'over') this.gate.exchange(this, load);
  }

  /** Gives everything back, or gives up waiting: then `admitted` never settles, for nobody waits. Harmless if repeated. */
  leave(): void {
    if (this.state === 'over') return;
    clearTimeout(this.timer);
    this.gate.leave(this);
    this.state = 'over';
  }

  /** For the gate. */
  wait(patienceMs: number): void {
    this.admitted = new Promise((resolve, reject) => {
      this.settle = { in: resolve, out: reject };
    });
    this.timer = setTimeout(() => {
      this.gate.giveUp(this, 'queue_wait');
    }, patienceMs);
  }

  /** For the gate. */
  letIn(): void {
    clearTimeout(this.timer);
    this.state = 'inside';
    this.settle?.in();
  }

  /** For the gate. */
  refuse(reason: GateRefusal): void {
    clearTimeout(this.timer);
    this.state = 'over';
    this.settle?.out(new GateRefused(reason));
  }
}
