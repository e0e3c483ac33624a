import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { FairGate, type GateOptions } from './fair.gate';
import type { GateTicket } from './gate.ticket';

type Ticket = GateTicket<'items'>;

const patienceMs = 1_000;
let now = 0;

function gateOf(options: Partial<GateOptions<'items'>> = {}): FairGate<'items'> {
  return new FairGate({
    capacity: { items: 10 },
    share: { besideOthers: { items: 10 }, alone: { items: 10 } },
    queueLength: 100,
    activeMs: 1_000,
    now: () => now,
    ...options,
  });
}

/** Tickets of one client, each for so many items. */
function enter(gate: FairGate<'items'>, client: string, ...loads: number[]): Ticket[] {
  return loads.map((items) => gate.enter(client, { items }, patienceMs));
}

function states(tickets: readonly Ticket[]): string {
  return tickets.map(({ state }) => state).join(' ');
}

// Nobody's patience ends but where a test lets it.
beforeEach(() => {
  vi.useFakeTimers();
  now = 0;
});
afterEach(() => {
  vi.useRealTimers();
});

describe('a gate', () => {
  it('lets in what there is room for, at once and without a promise to wait for', () => {
    const gate = gateOf();
    const [first, second] = enter(gate, 'a', 4, 6) as [Ticket, Ticket];

    expect(states([first, second])).toBe('inside inside');
    expect(first.admitted).toBeUndefined();
    expect(gate.holds('items')).toBe(10);
  });

  it('lets in whoever waits as soon as somebody leaves', async () => {
    const gate = gateOf();
    const [first, second] = enter(gate, 'a', 10, 1) as [Ticket, Ticket];
    expect([states([second]), gate.waiting]).toEqual(['waiting', 1]);

    first.leave();
    await second.admitted;
    expect([states([first, second]), gate.holds('items'), gate.waiting]).toEqual(['over inside', 1, 0]);
    first.leave();
    expect(gate.holds('items')).toBe(1);
  });

  it('lets in alone what is larger than all of its room', () => {
    const gate = gateOf();
    const [large, small] = enter(gate, 'a', 25, 1) as [Ticket, Ticket];
    expect(states([large, small])).toBe('inside waiting');
    large.leave();
    const [another] = enter(gate, 'b', 25) as [Ticket];
    expect(states([small, another])).toBe('inside waiting');
    small.leave();
    expect(states([another])).toBe('inside');
  });

  it('gives the clients turns, however many requests each has in line', () => {
    const gate = gateOf();
    const [inside] = enter(gate, 'greedy', 10) as [Ticket];
    const greedy = enter(gate, 'greedy', 10, 10, 10);
    const modest = enter(gate, 'modest', 10);
    const late = enter(gate, 'late', 10);

    const order: string[] = [];
    const all = { greedy, modest, late };
    let last = inside;
    for (let turn = 0; turn < 5; turn += 1) {
      last.leave();
      const [name, tickets] =
        Object.entries(all).find(([, line]) => line.some(({ state }) => state === 'inside')) ?? [];
      order.push(name ?? 'nobody');
      last = tickets?.find(({ state }) => state === 'inside') ?? last;
    }
    expect(order).toEqual(['greedy', 'modest', 'late', 'greedy', 'greedy']);
  });

  it('keeps room for a large request whose turn it is', () => {
    const gate = gateOf();
    const [a1, a2] = enter(gate, 'a', 5, 5) as [Ticket, Ticket];
    const [large] = enter(gate, 'b', 10) as [Ticket];
    const [small] = enter(gate, 'c', 1) as [Ticket];
    a1.leave();
    expect(states([large, small])).toBe('waiting waiting');
    a2.leave();
    expect(states([large, small])).toBe('inside waiting');
  });

  it('leaves everything to one client while there is no other, and its share while there is', () => {
    const gate = gateOf({ share: { besideOthers: { items: 5 }, alone: { items: 10 } } });
    const alone = enter(gate, 'a', ...Array<number>(12).fill(1));
    expect(gate.holds('items')).toBe(10);
    expect(states(alone.slice(10))).toBe('waiting waiting');

    // Somebody else comes: as soon as something is given back it is theirs, and so is what comes after.
    const [other] = enter(gate, 'b', 1) as [Ticket];
    alone[0]?.leave();
    expect(states([other])).toBe('inside');
    for (const ticket of alone.slice(1, 6)) ticket.leave();
    expect([gate.holds('items'), gate.waiting]).toEqual([1 + 5, 1]);
    expect(states(enter(gate, 'b', 1, 1))).toBe('inside inside');
  });

  it('lets a client with its share wait without anybody waiting behind it', () => {
    const gate = gateOf({ share: { besideOthers: { items: 5 }, alone: { items: 10 } } });
    enter(gate, 'b', 1)[0]?.leave();
    expect(states(enter(gate, 'a', 5, 1))).toBe('inside waiting');
    expect(states(enter(gate, 'b', 5))).toBe('inside');
  });

  it('counts a client as active for a while after it left, and no longer', () => {
    const gate = gateOf({ share: { besideOthers: { items: 5 }, alone: { items: 10 } } });
    enter(gate, 'b', 1)[0]?.leave();
    now = 999;
    const tickets = enter(gate, 'a', 5, 5);
    expect(states(tickets)).toBe('inside waiting');
    now = 1_000;
    expect(states(enter(gate, 'a', 1))).toBe('waiting');
    expect(states(tickets)).toBe('inside inside');
  });

  it('never gives one client everything where its share is fixed, but always one request', () => {
    const gate = gateOf({ share: { besideOthers: { items: 5 }, alone: { items: 5 } } });
    expect(states(enter(gate, 'a', 3, 3))).toBe('inside waiting');
    expect(states(enter(gate, 'b', 7))).toBe('inside');
  });

  it('takes back what turned out not to be needed', () => {
    const gate = gateOf();
    const [first, second] = enter(gate, 'a', 8, 4) as [Ticket, Ticket];
    expect(states([second])).toBe('waiting');
    first.reduceTo({ items: 6 });
    expect([states([second]), gate.holds('items')]).toEqual(['inside', 10]);
    first.leave();
    expect(gate.holds('items')).toBe(4);
  });
});

describe('the line before a gate', () => {
  it('is left by those whose patience ends', async () => {
    const gate = gateOf();
    const [, waiting] = enter(gate, 'a', 10, 1) as [Ticket, Ticket];
    const refused = expect(waiting.admitted).rejects.toMatchObject({ reason: 'queue_wait' });
    vi.advanceTimersByTime(patienceMs);
    await refused;
    expect([states([waiting]), gate.waiting]).toEqual(['over', 0]);
    waiting.leave();
    expect(gate.holds('items')).toBe(10);
  });

  it('moves on when somebody too large for the room gives up', () => {
    const gate = gateOf();
    enter(gate, 'a', 5);
    const [large] = enter(gate, 'b', 10) as [Ticket];
    const [small] = enter(gate, 'c', 1) as [Ticket];
    large.leave();
    expect(states([large, small])).toBe('over inside');
  });

  it('is never longer than it may be: whoever has most in it gives way', async () => {
    const gate = gateOf({ queueLength: 3 });
    const greedy = enter(gate, 'greedy', 10, 1, 1, 1);
    const refused = expect(greedy[3]?.admitted).rejects.toMatchObject({ reason: 'queue_full' });
    const [modest] = enter(gate, 'modest', 1) as [Ticket];
    await refused;
    expect(states([...greedy, modest])).toBe('inside waiting waiting over waiting');
    expect(gate.waiting).toBe(3);

    const [oneMore] = enter(gate, 'greedy', 1) as [Ticket];
    await expect(oneMore.admitted).rejects.toMatchObject({ reason: 'queue_full' });
  });

  it('may have no place at all', async () => {
    const gate = gateOf({ queueLength: 0 });
    const [inside, refused] = enter(gate, 'a', 10, 1) as [Ticket, Ticket];
    await expect(refused.admitted).rejects.toMatchObject({ reason: 'queue_full' });
    expect(states([inside])).toBe('inside');
  });
});

describe('whatever comes and goes', () => {
  const clients = ['a', 'b', 'c'];
  const step = fc.oneof(
    fc.record({ kind: fc.constant('enter' as const), client: fc.nat(2), items: fc.integer({ min: 1, max: 14 }) }),
    fc.record({ kind: fc.constant('leave' as const), which: fc.nat(30) }),
    fc.record({ kind: fc.constant('reduce' as const), which: fc.nat(30) }),
    fc.record({ kind: fc.constant('pass' as const), ms: fc.integer({ min: 1, max: 2_000 }) }),
  );
  const share = fc.constantFrom(
    { besideOthers: { items: 10 }, alone: { items: 10 } },
    { besideOthers: { items: 5 }, alone: { items: 10 } },
    { besideOthers: { items: 3 }, alone: { items: 5 } },
  );

  it('a gate holds no more than it may, forgets nothing, and lets everybody in at last', () => {
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 60 }),
        share,
        fc.integer({ min: 0, max: 8 }),
        (steps, part, queueLength) => {
          const gate = gateOf({ share: part, queueLength });
          const tickets: Ticket[] = [];
          const inside = (): Ticket[] => tickets.filter(({ state }) => state === 'inside');
          const check = (): void => {
            const held = inside().reduce((sum, { load }) => sum + load.items, 0);
            expect(gate.holds('items')).toBe(held);
            if (inside().length > 1) expect(held).toBeLessThanOrEqual(10);
            expect(gate.waiting).toBe(tickets.filter(({ state }) => state === 'waiting').length);
            expect(gate.waiting).toBeLessThanOrEqual(queueLength);
            // Nobody waits for nothing.
            if (gate.waiting > 0) expect(inside().length).toBeGreaterThan(0);
          };
          for (const one of steps) {
            if (one.kind === 'enter') {
              const [ticket] = enter(gate, clients[one.client] ?? '', one.items) as [Ticket];
              ticket.admitted?.catch(() => undefined);
              tickets.push(ticket);
            } else if (one.kind === 'pass') {
              now += one.ms;
            } else {
              const ticket = tickets[one.which % Math.max(1, tickets.length)];
              if (one.kind === 'leave') ticket?.leave();
              else ticket?.reduceTo({ items: Math.ceil(ticket.load.items / 2) });
            }
            check();
          }
          while (inside().length > 0) {
            inside()[0]?.leave();
            check();
          }
          expect(tickets.every(({ state }) => state === 'over')).toBe(true);
          expect(gate.holds('items')).toBe(0);
          for (const ticket of tickets) ticket.leave();
        },
      ),
      { numRuns: 500 },
    );
  });

  it('nobody is let in twice while another client waits with room for both', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(2), { minLength: 4, maxLength: 40 }), (order) => {
        const gate = gateOf();
        let [serving] = enter(gate, 'first', 10) as [Ticket];
        const lines = new Map(clients.map((client): [string, Ticket[]] => [client, []]));
        for (const index of order) lines.get(clients[index] ?? '')?.push(...enter(gate, clients[index] ?? '', 10));
        const passedOver = new Map(clients.map((client) => [client, 0]));
        order.forEach(() => {
          serving.leave();
          const [served, line] = [...lines].find(([, each]) => each[0]?.state === 'inside') ?? [];
          serving = line?.shift() ?? serving;
          for (const [client, waiting] of lines) {
            const times = client === served || waiting.length === 0 ? 0 : (passedOver.get(client) ?? 0) + 1;
            passedOver.set(client, times);
            expect(times).toBeLessThan(clients.length);
          }
        });
        expect([...lines.values()].every((line) => line.length === 0)).toBe(true);
        serving.leave();
      }),
    );
  });
});
