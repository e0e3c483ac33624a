import { Account, type Load, Permit, type PermitOwner, type Rejection } from './permit';

/** How much one client may hold while it is the only active one, and beside others. */
interface FixedShare<R extends string> {
  readonly alone: Load<R>;
  readonly besideOthers: Load<R>;
}

export interface FairQueueOptions<R extends string> {
  /** Held by all clients together at most. A request larger than that is admitted when nothing else is held. */
  capacity: Load<R>;
  /**
   * Held by one client at most: a fixed share, or `as_much_as_is_free`. With the latter a client never holds more than what
   * stays free, so that a new client finds room however many others hold all they may. A client that holds nothing of a
   * resource is always within its share.
   */
  share: FixedShare<R> | 'as_much_as_is_free';
  /** Resources whose capacity is no obstacle to a client that holds none of it. */
  exceedable?: readonly R[];
  /** Queued requests of all clients together at most. */
  queueLength: number;
  /** How long a client counts as active after its last request or release, in milliseconds. */
  activeMs: number;
  /** Called once for each request that is admitted or rejected, with the milliseconds it was queued. */
  onSettled?: (waitedMs: number, rejection: Rejection | undefined) => void;
  /** Milliseconds, monotonic. */
  now?: () => number;
}

interface Client<R extends string> {
  readonly id: string;
  readonly held: Account<R>;
  /** Permits that are held. */
  permits: number;
  readonly queued: Permit<R>[];
  lastSeen: number;
}

/**
 * Admits requests while there is room for their load; the others are queued, one queue per client, and the clients take
 * turns. So however many requests one client sends, each of the others waits no longer than it takes to serve every client once.
 *
 * A client that holds its share waits without blocking the other clients.
 */
export class FairQueue<R extends string> implements PermitOwner<R> {
  /** Active clients, the one longest unseen first. */
  private readonly clients = new Map<string, Client<R>>();
  /** Clients with queued requests, in the order of their turns. */
  private readonly turns = new Set<Client<R>>();
  private readonly resources: readonly R[];
  private readonly held: Account<R>;
  private readonly now: () => number;
  private queued = 0;

  constructor(private readonly options: FairQueueOptions<R>) {
    this.resources = Object.keys(options.capacity) as R[]; // the keys of a record of R are R
    this.held = new Account(this.resources);
    this.now = options.now ?? (() => performance.now());
  }

  /** How much of a resource is held. */
  inUse(resource: R): number {
    return this.held.of(resource);
  }

  /** How many requests are queued. */
  get length(): number {
    return this.queued;
  }

  /**
   * Requests a permit. Look at its state, or wait for it with `onSettled`; release it in either case.
   *
   * @param maxWaitMs how long the request may be queued
   */
  enqueue(clientId: string, load: Load<R>, maxWaitMs: number): Permit<R> {
    const client = this.seen(clientId);
    this.forgetIdle();
    const permit = new Permit(this, clientId, this.now(), load);
    if (this.turns.size === 0 && this.isWithinShare(client, load) && this.fits(client, load)) {
      this.admit(client, permit);
      return permit;
    }
    client.queued.push(permit);
    this.turns.add(client);
    this.queued += 1;
    // Queued clients that have used up their share must not hold up this one.
    this.serve();
    if (this.isQueued(permit)) this.wait(client, permit, maxWaitMs);
    return permit;
  }

  /** For permits. */
  release(permit: Permit<R>): void {
    const client = this.seen(permit.clientId);
    if (permit.state === 'held') {
      client.permits -= 1;
      this.held.subtract(permit.load);
      client.held.subtract(permit.load);
    } else {
      this.dequeue(client, permit);
    }
    permit.state = 'released';
    this.serve();
  }

  /** For permits. */
  resize(permit: Permit<R>, load: Load<R>): void {
    if (permit.state === 'held') {
      for (const account of [this.held, this.seen(permit.clientId).held]) {
        account.subtract(permit.load);
        account.add(load);
      }
    }
    permit.load = load;
    this.serve();
  }

  /** For permits. */
  absorb(permit: Permit<R>, other: Permit<R>): void {
    const sum = new Account(this.resources);
    sum.add(permit.load);
    sum.add(other.load);
    permit.load = sum.load;
    other.state = 'released';
    this.seen(permit.clientId).permits -= 1;
  }

  private wait(client: Client<R>, permit: Permit<R>, maxWaitMs: number): void {
    permit.startTimer(maxWaitMs, () => {
      this.reject(permit, 'queue_wait');
    });
    if (this.queued <= this.options.queueLength) return;
    // The client with the longest queue loses its latest request, so that no client can fill the queue for all.
    let longest = client;
    for (const other of this.turns) if (other.queued.length > longest.queued.length) longest = other;
    const last = longest.queued.at(-1);
    if (last !== undefined) this.reject(last, 'queue_full');
  }

  private reject(permit: Permit<R>, reason: Rejection): void {
    this.dequeue(this.seen(permit.clientId), permit);
    permit.settle(reason);
    this.options.onSettled?.(this.now() - permit.enqueuedAt, reason);
    // It may have been next, and too large for the room there was.
    this.serve();
  }

  /** Admits as many queued requests as fit, client by client. */
  private serve(): void {
    for (let client = this.next(); client !== undefined; client = this.next()) {
      const permit = client.queued[0];
      // No smaller request takes the turn of a large one: else the large one might never fit.
      if (permit === undefined || !this.fits(client, permit.load)) return;
      this.dequeue(client, permit);
      // Its next turn comes after everyone else's.
      if (this.turns.delete(client)) this.turns.add(client);
      this.admit(client, permit);
    }
  }

  private next(): Client<R> | undefined {
    for (const client of this.turns) {
      const permit = client.queued[0];
      if (permit !== undefined && this.isWithinShare(client, permit.load)) return client;
    }
    return undefined;
  }

  private admit(client: Client<R>, permit: Permit<R>): void {
    client.permits += 1;
    this.held.add(permit.load);
    client.held.add(permit.load);
    permit.settle(undefined);
    this.options.onSettled?.(this.now() - permit.enqueuedAt, undefined);
  }

  private dequeue(client: Client<R>, permit: Permit<R>): void {
    client.queued.splice(client.queued.indexOf(permit), 1);
    this.queued -= 1;
    if (client.queued.length === 0) this.turns.delete(client);
  }

  /** A method, since the compiler takes the state for unchanged after a call that may change it. */
  private isQueued(permit: Permit<R>): boolean {
    return permit.state === 'queued';
  }

  private fits(client: Client<R>, load: Load<R>): boolean {
    const { capacity, exceedable = [] } = this.options;
    return this.resources.every((resource) => {
      const held = this.held.of(resource);
      if (held === 0 || held + load[resource] <= capacity[resource]) return true;
      return exceedable.includes(resource) && client.held.of(resource) === 0;
    });
  }

  private isWithinShare(client: Client<R>, load: Load<R>): boolean {
    this.forgetIdle();
    return this.resources.every((resource) => {
      const held = client.held.of(resource);
      return held === 0 || held + load[resource] <= this.shareOf(resource, load);
    });
  }

  private shareOf(resource: R, load: Load<R>): number {
    const { share, capacity } = this.options;
    if (share === 'as_much_as_is_free') return capacity[resource] - this.held.of(resource) - load[resource];
    return (this.clients.size > 1 ? share.besideOthers : share.alone)[resource];
  }

  private forgetIdle(): void {
    const activeSince = this.now() - this.options.activeMs;
    for (const client of this.clients.values()) {
      if (client.lastSeen > activeSince) return;
      if (client.permits === 0 && client.queued.length === 0) this.clients.delete(client.id);
      // Active all the same: moved behind those seen since, which it would hide from this loop.
      else this.touch(client);
    }
  }

  private seen(id: string): Client<R> {
    const known = this.clients.get(id);
    const client = known ?? { id, held: new Account(this.resources), permits: 0, queued: [], lastSeen: 0 };
    this.touch(client);
    return client;
  }

  private touch(client: Client<R>): void {
    client.lastSeen = this.now();
    this.clients.delete(client.id);
    this.clients.set(client.id, client);
  }
}
