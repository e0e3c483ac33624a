import { type GateRefusal, GateTicket } from './gate.ticket';
import { Account, type Load } from './load';

export interface GateOptions<R extends string> {
  /** What may be inside at once. Somebody with more than that goes in alone. */
  capacity: Load<R>;
  /** What one client may hold: while others are active, and while none is. A single request is always within it. */
  share: { besideOthers: Load<R>; alone: Load<R> };
  /** How many may wait, of all clients together. */
  queueLength: number;
  /** For how long a client counts as active after it came or left, in milliseconds. */
  activeMs: number;
  /** Milliseconds, never going back. */
  now?: () => number;
}

interface Client<R extends string> {
  readonly id: string;
  readonly held: Account<R>;
  inside: number;
  readonly line: GateTicket<R>[];
  lastSeen: number;
}

/**
 * Lets in what there is room for; the others wait in line, a line for each client, and the clients take turns. So however
 * much one of them sends, each of the others waits no longer than it takes to serve every client once.
 *
 * While others are active a client holds no more than its share: they need not wait until it gives something back.
 */
export class FairGate<R extends string> {
  /** Those that are active, the one longest unseen first. */
  private readonly clients = new Map<string, Client<R>>();
  /** Those that wait, in the order of their turns. */
  private readonly turns = new Set<Client<R>>();
  private readonly resources: readonly R[];
  private readonly held: Account<R>;
  private readonly now: () => number;
  private inside = 0;
  private queue = 0;

  constructor(private readonly options: GateOptions<R>) {
    this.resources = Object.keys(options.capacity) as R[]; // the keys of a record of R are R
    this.held = new Account(this.resources);
    this.now = options.now ?? (() => performance.now());
  }

  /** What those inside hold. */
  holds(resource: R): number {
    return this.held.of(resource);
  }

  /** How many wait. */
  get waiting(): number {
    return this.queue;
  }

  /** @param patienceMs how long it may wait */
  enter(clientId: string, load: Load<R>, patienceMs: number): GateTicket<R> {
    const client = this.seen(clientId);
    this.forgetIdle();
    const ticket = new GateTicket(this, clientId, load);
    if (this.turns.size === 0 && this.isWithinShare(client, load) && this.hasRoom(load)) {
      this.letIn(client, ticket);
      return ticket;
    }
    client.line.push(ticket);
    this.turns.add(client);
    this.queue += 1;
    this.serve();
    // A line of those who have their share keeps nobody else out.
    if (ticket.state !== 'inside') this.lineUp(client, ticket, patienceMs);
    return ticket;
  }

  /** For tickets. */
  leave(ticket: GateTicket<R>): void {
    const client = this.seen(ticket.clientId);
    if (ticket.state === 'inside') {
      this.inside -= 1;
      client.inside -= 1;
      this.held.subtract(ticket.load);
      client.held.subtract(ticket.load);
    } else {
      this.withdraw(client, ticket);
    }
    this.serve();
  }

  /** For tickets. */
  exchange(ticket: GateTicket<R>, load: Load<R>): void {
    if (ticket.state === 'inside') {
      for (const account of [this.held, this.seen(ticket.clientId).held]) {
        account.subtract(ticket.load);
        account.add(load);
      }
    }
    ticket.load = load;
    this.serve();
  }

  /** For tickets. */
  giveUp(ticket: GateTicket<R>, reason: GateRefusal): void {
    this.withdraw(this.seen(ticket.clientId), ticket);
    ticket.refuse(reason);
    // It may have been next, and too large for what there was.
    this.serve();
  }

  private lineUp(client: Client<R>, ticket: GateTicket<R>, patienceMs: number): void {
    ticket.wait(patienceMs);
    if (this.queue <= this.options.queueLength) return;
    // Whoever has most in line gives way, so that nobody can fill it for all.
    let longest = client;
    for (const other of this.turns) if (other.line.length > longest.line.length) longest = other;
    const last = longest.line.at(-1);
    if (last !== undefined) this.giveUp(last, 'queue_full');
  }

  /** Lets in as many as there is room for, client by client. */
  private serve(): void {
    for (let client = this.next(); client !== undefined; client = this.next()) {
      const ticket = client.line[0];
      // If it is large there will be room for it: nobody smaller takes its turn.
      if (ticket === undefined || !this.hasRoom(ticket.load)) return;
      this.withdraw(client, ticket);
      // Its next turn comes after everyone else's.
      if (this.turns.delete(client)) this.turns.add(client);
      this.letIn(client, ticket);
    }
  }

  /** Whose turn it is. */
  private next(): Client<R> | undefined {
    for (const client of this.turns) {
      const ticket = client.line[0];
      if (ticket !== undefined && this.isWithinShare(client, ticket.load)) return client;
    }
    return undefined;
  }

  private letIn(client: Client<R>, ticket: GateTicket<R>): void {
    this.inside += 1;
    client.inside += 1;
    this.held.add(ticket.load);
    client.held.add(ticket.load);
    ticket.letIn();
  }

  private withdraw(client: Client<R>, ticket: GateTicket<R>): void {
    client.line.splice(client.line.indexOf(ticket), 1);
    this.queue -= 1;
    if (client.line.length === 0) this.turns.delete(client);
  }

  private hasRoom(load: Load<R>): boolean {
    return this.inside === 0 || this.held.hasRoom(load, this.options.capacity);
  }

  private isWithinShare(client: Client<R>, load: Load<R>): boolean {
    if (client.inside === 0) return true;
    this.forgetIdle();
    const { besideOthers, alone } = this.options.share;
    return client.held.hasRoom(load, this.clients.size > 1 ? besideOthers : alone);
  }

  private forgetIdle(): void {
    const activeSince = this.now() - this.options.activeMs;
    for (const client of this.clients.values()) {
      if (client.lastSeen > activeSince) return;
      if (client.inside === 0 && client.line.length === 0) this.clients.delete(client.id);
      // Inside or waiting for long, so active all the same: it must not hide those that came after it.
      else this.touch(client);
    }
  }

  private seen(id: string): Client<R> {
    const known = this.clients.get(id);
    const client = known ?? { id, held: new Account(this.resources), inside: 0, line: [], lastSeen: 0 };
    this.touch(client);
    return client;
  }

  private touch(client: Client<R>): void {
    client.lastSeen = this.now();
    this.clients.delete(client.id);
    this.clients.set(client.id, client);
  }
}
