/** Amounts by the name of the resource. */
export type Load<R extends string> = Readonly<Record<R, number>>;

/** The sum of loads, by resource. */
export class LoadSum<R extends string> {
  private readonly amounts: Record<R, number>;

  constructor(private readonly resources: readonly R[]) {
    this.amounts = Object.fromEntries(resources.map((resource) => [resource, 0])) as Record<R, number>; // one for each R
  }

  /** A copy of the current sum. */
  get load(): Load<R> {
    return { ...this.amounts };
  }

  of(resource: R): number {
    return this.amounts[resource];
  }

  add(load: Load<R>): void {
    for (const resource of this.resources) this.amounts[resource] += load[resource];
  }

  subtract(load: Load<R>): void {
    for (const resource of this.resources) this.amounts[resource] -= load[resource];
  }
}

/** Why a request is rejected: too many are queued, or it was queued for too long. */
export type Rejection = 'queue_full' | 'queue_wait';

/** The queue of a permit. */
export interface PermitOwner<R extends string> {
  release(permit: Permit<R>): void;
  resize(permit: Permit<R>, load: Load<R>): void;
  absorb(permit: Permit<R>, other: Permit<R>): void;
}

/** The permit of one request to hold a load. It is queued, then held, until {@link release}. */
export class Permit<R extends string> {
  state: 'queued' | 'held' | 'released' = 'queued';
  private rejection: Rejection | undefined;
  private listener: ((rejection: Rejection | undefined) => void) | undefined;
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly owner: PermitOwner<R>,
    readonly clientId: string,
    readonly enqueuedAt: number,
    public load: Load<R>,
  ) {}

  /**
   * Calls the listener once: at once if the request is already admitted or rejected, else asynchronously when it is. Does not
   * call it if the permit is released first.
   */
  onSettled(listener: (rejection: Rejection | undefined) => void): void {
    if (this.state === 'queued') this.listener = listener;
    else if (this.state === 'held' || this.rejection !== undefined) listener(this.rejection);
  }

  /** Changes the load, even beyond the capacity. Does nothing after the release. */
  resize(load: Load<R>): void {
    if (this.state !== 'released') this.owner.resize(this, load);
  }

  /** Takes over the load of another held permit of the same client. */
  absorb(other: Permit<R>): void {
    if (this.state === 'held' && other.state === 'held') this.owner.absorb(this, other);
  }

  /** Returns the load, or leaves the queue. Idempotent. */
  release(): void {
    if (this.state === 'released') return;
    clearTimeout(this.timer);
    this.owner.release(this);
  }

  /** Called by the queue. */
  startTimer(maxWaitMs: number, expire: () => void): void {
    this.timer = setTimeout(expire, maxWaitMs);
  }

  /** Called by the queue. */
  settle(rejection: Rejection | undefined): void {
    clearTimeout(this.timer);
    this.state = rejection === undefined ? 'held' : 'released';
    this.rejection = rejection;
    const { listener } = this;
    if (listener === undefined) return;
    process.nextTick(() => {
      if (this.state === 'held' || rejection !== undefined) listener(rejection);
    });
  }
}
