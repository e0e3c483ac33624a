import { LoadSum, type Load, Permit, type PermitOwner, type Rejection } from './permit';

/** How much one client may hold while it is the only active one, and while others are active. */
interface FixedShare<R extends string> {
  readonly alone: Load<R>;
  readonly withOthers: Load<R>;
}

export interface FairQueueOptions<R extends string> {
  /** The maximum held by all clients together. A larger request is admitted when nothing else is held. */
  capacity: Load<R>;
  /**
   * The maximum held by one client. `dynamic`: a client never holds more than what remains free, so that there is always
   * capacity for a new client. A client that holds nothing of a resource is always within its share.
   */
  share: FixedShare<R> | 'dynamic';
  /** Resources of which a client that holds none may exceed the capacity. */
  exceedable?: readonly R[];
  /** The maximum number of queued requests of all clients together. */
  maxQueueLength: number;
  /** How long a client counts as active after its last request or release, in milliseconds. */
  activeMs: number;
  /** Called once for each request that is admitted or rejected, with its time in the queue in milliseconds. */
  onSettled?: (waitedMs: number, rejection: Rejection | undefined) => void;
  /** A monotonic clock in milliseconds. */
  now?: () => number;
}

/** What one client holds, and its queued requests. */
interface ClientState<R extends string> {
  readonly id: string;
  readonly held: LoadSum<R>;
  /** Number of held permits. */
  heldPermits: number;
  readonly queued: Permit<R>[];
  lastSeen: number;
}

/**
 * Admits requests while there is capacity for their load. Others are queued, with one queue per client, and clients take turns:
 * a client waits at most until every other client was served once, however many requests the others send.
 *
 * A client that holds its share waits without blocking the other clients.
 */
export class FairQueue<R extends string> implements PermitOwner<R> {
  /** Active clients, the least recently seen first. */
  private readonly clients = new Map<string, ClientState<R>>();
  /** Clients with queued requests, in the order of their turns. */
  private readonly turns = new Set<ClientState<R>>();
  private readonly resources: readonly R[];
  private readonly held: LoadSum<R>;
  private readonly now: () => number;
  private queuedCount = 0;

  constructor(private readonly options: FairQueueOptions<R>) {
    this.resources = Object.keys(options.capacity) as R[]; // the keys of a Record<R, …> are R
    this.held = new LoadSum(this.resources);
    this.now = options.now ?? (() => performance.now());
  }

  /** The amount of a resource that is held. */
  inUse(resource: R): number {
    return this.held.of(resource);
  }

  /** The number of queued requests. */
  get length(): number {
    return this.queuedCount;
  }

  /**
   * Requests a permit. Check its state, or wait with `onSettled`. Release it in every case.
   *
   * @param maxWaitMs the maximum time in the queue
   */
  enqueue(clientId: string, load: Load<R>, maxWaitMs: number): Permit<R> {
    const client = this.clientOf(clientId);
    this.removeIdle();
    const permit = new Permit(this, clientId, this.now(), load);
    if (this.turns.size === 0 && this.isWithinShare(client, load) && this.fits(client, load)) {
      this.admit(client, permit);
      return permit;
    }
    client.queued.push(permit);
    this.turns.add(client);
    this.queuedCount += 1;
    // The queued clients may all have used up their shares, which must not delay this one.
    this.serve();
    if (this.isQueued(permit)) this.startWait(client, permit, maxWaitMs);
    return permit;
  }

  /** Called by permits. */
  release(permit: Permit<R>): void {
    const client = this.clientOf(permit.clientId);
    if (permit.state === 'held') {
      client.heldPermits -= 1;
      this.held.subtract(permit.load);
      client.held.subtract(permit.load);
    } else {
      this.dequeue(client, permit);
    }
    permit.state = 'released';
    this.serve();
  }

  /** Called by permits. */
  resize(permit: Permit<R>, load: Load<R>): void {
    if (permit.state === 'held') {
      for (const sum of [this.held, this.clientOf(permit.clientId).held]) {
        sum.subtract(permit.load);
        sum.add(load);
      }
    }
    permit.load = load;
    this.serve();
  }

  /** Called by permits. */
  absorb(permit: Permit<R>, other: Permit<R>): void {
    const sum = new LoadSum(this.resources);
    sum.add(permit.load);
    sum.add(other.load);
    permit.load = sum.load;
    other.state = 'released';
    this.clientOf(permit.clientId).heldPermits -= 1;
  }

  private startWait(client: ClientState<R>, permit: Permit<R>, maxWaitMs: number): void {
    permit.startTimer(maxWaitMs, () => {
      this.reject(permit, 'queue_wait');
    });
    if (this.queuedCount <= this.options.maxQueueLength) return;
    // The client with the longest queue loses its latest request, so that no client can fill the queue for the others.
    let longest = client;
    for (const other of this.turns) if (other.queued.length > longest.queued.length) longest = other;
    const last = longest.queued.at(-1);
    if (last !== undefined) this.reject(last, 'queue_full');
  }

  private reject(permit: Permit<R>, reason: Rejection): void {
    this.dequeue(this.clientOf(permit.clientId), permit);
    permit.settle(reason);
    this.options.onSettled?.(this.now() - permit.enqueuedAt, reason);
    // It may have been the next request, and too large for the free capacity.
    this.serve();
  }

  /** Admits as many queued requests as fit, client by client. */
  private serve(): void {
    for (let client = this.nextClient(); client !== undefined; client = this.nextClient()) {
      const permit = client.queued[0];
      // No smaller request overtakes a large one, which might then never fit.
      if (permit === undefined || !this.fits(client, permit.load)) return;
      this.dequeue(client, permit);
      // Its next turn comes after those of all other clients.
      if (this.turns.delete(client)) this.turns.add(client);
      this.admit(client, permit);
    }
  }

  private nextClient(): ClientState<R> | undefined {
    for (const client of this.turns) {
      const permit = client.queued[0];
      if (permit !== undefined && this.isWithinShare(client, permit.load)) return client;
    }
    return undefined;
  }

  private admit(client: ClientState<R>, permit: Permit<R>): void {
    client.heldPermits += 1;
    this.held.add(permit.load);
    client.held.add(permit.load);
    permit.settle(undefined);
    this.options.onSettled?.(this.now() - permit.enqueuedAt, undefined);
  }

  private dequeue(client: ClientState<R>, permit: Permit<R>): void {
    client.queued.splice(client.queued.indexOf(permit), 1);
    this.queuedCount -= 1;
    if (client.queued.length === 0) this.turns.delete(client);
  }

  /** A method, because the compiler does not see that a call can change the state of the permit. */
  private isQueued(permit: Permit<R>): boolean {
    return permit.state === 'queued';
  }

  private fits(client: ClientState<R>, load: Load<R>): boolean {
    const { capacity, exceedable = [] } = this.options;
    return this.resources.every((resource) => {
      const held = this.held.of(resource);
      if (held === 0 || held + load[resource] <= capacity[resource]) return true;
      return exceedable.includes(resource) && client.held.of(resource) === 0;
    });
  }

  private isWithinShare(client: ClientState<R>, load: Load<R>): boolean {
    this.removeIdle();
    return this.resources.every((resource) => {
      const held = client.held.of(resource);
      return held === 0 || held + load[resource] <= this.shareOf(resource, load);
    });
  }

  private shareOf(resource: R, load: Load<R>): number {
    const { share, capacity } = this.options;
    if (share === 'dynamic') return capacity[resource] - this.held.of(resource) - load[resource];
    return (this.clients.size > 1 ? share.withOthers : share.alone)[resource];
  }

  private removeIdle(): void {
    const activeSince = this.now() - this.options.activeMs;
    for (const client of this.clients.values()) {
      if (client.lastSeen > activeSince) return;
      if (client.heldPermits === 0 && client.queued.length === 0) this.clients.delete(client.id);
      // Still active: moved to the end, because the loop stops at the first client that was seen recently.
      else this.touch(client);
    }
  }

  private clientOf(id: string): ClientState<R> {
    const known = this.clients.get(id);
    const client = known ?? { id, held: new LoadSum(this.resources), heldPermits: 0, queued: [], lastSeen: 0 };
    this.touch(client);
    return client;
  }

  private touch(client: ClientState<R>): void {
    client.lastSeen = this.now();
    this.clients.delete(client.id);
    this.clients.set(client.id, client);
  }
}
