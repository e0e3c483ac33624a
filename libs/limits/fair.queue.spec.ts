import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { FairQueue, type FairQueueOptions } from './fair.queue';
import type { Permit, Rejection } from './permit';

type ItemPermit = Permit<'items'>;

const maxWaitMs = 1_000;
let now = 0;

function queueOf(options: Partial<FairQueueOptions<'items'>> = {}): FairQueue<'items'> {
  return new FairQueue({
    capacity: { items: 10 },
    share: { withOthers: { items: 10 }, alone: { items: 10 } },
    maxQueueLength: 100,
    activeMs: 1_000,
    now: () => now,
    ...options,
  });
}

/** Permits of one client, each for this many items. */
function enqueue(queue: FairQueue<'items'>, client: string, ...loads: number[]): ItemPermit[] {
  return loads.map((items) => queue.enqueue(client, { items }, maxWaitMs));
}

function states(permits: readonly ItemPermit[]): string {
  return permits.map(({ state }) => state).join(' ');
}

function settled(permit: ItemPermit | undefined): Promise<Rejection | undefined> {
  return new Promise((resolve) => {
    permit?.onSettled(resolve);
  });
}

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

// A wait ends only when a test advances the clock.
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  now = 0;
});
afterEach(() => {
  vi.useRealTimers();
});

describe('a fair queue', () => {
  it('admits what fits, at once', () => {
    const queue = queueOf();
    const permits = enqueue(queue, 'a', 4, 6);
    expect(states(permits)).toBe('held held');
    let calls = 0;
    permits[0]?.onSettled(() => (calls += 1));
    expect([calls, queue.inUse('items')]).toEqual([1, 10]);
  });

  it('admits a queued request asynchronously when a permit is released', async () => {
    const queue = queueOf();
    const [first, second] = enqueue(queue, 'a', 10, 1) as [ItemPermit, ItemPermit];
    expect([states([second]), queue.length]).toEqual(['queued', 1]);
    let calls = 0;
    second.onSettled(() => (calls += 1));

    first.release();
    expect([states([first, second]), queue.inUse('items'), queue.length, calls]).toEqual(['released held', 1, 0, 0]);
    await nextTurn();
    expect(calls).toBe(1);
    first.release();
    expect(queue.inUse('items')).toBe(1);
  });

  it('does not call the listener of a permit that is released before the call', async () => {
    const queue = queueOf();
    const [first, second] = enqueue(queue, 'a', 10, 1) as [ItemPermit, ItemPermit];
    let calls = 0;
    second.onSettled(() => (calls += 1));
    first.release();
    second.release();
    await nextTurn();
    expect([calls, queue.inUse('items')]).toEqual([0, 0]);
  });

  it('admits a request larger than its capacity when nothing else is held', () => {
    const queue = queueOf();
    const [large, small] = enqueue(queue, 'a', 25, 1) as [ItemPermit, ItemPermit];
    expect(states([large, small])).toBe('held queued');
    large.release();
    const [another] = enqueue(queue, 'b', 25) as [ItemPermit];
    expect(states([small, another])).toBe('held queued');
    small.release();
    expect(states([another])).toBe('held');
  });

  it('gives the clients turns, however many requests each has queued', () => {
    const queue = queueOf();
    const [held] = enqueue(queue, 'greedy', 10) as [ItemPermit];
    const all = {
      greedy: enqueue(queue, 'greedy', 10, 10, 10),
      modest: enqueue(queue, 'modest', 10),
      late: enqueue(queue, 'late', 10),
    };
    const order: string[] = [];
    let last = held;
    for (let turn = 0; turn < 5; turn += 1) {
      last.release();
      for (const [name, permits] of Object.entries(all)) {
        const next = permits.find(({ state }) => state === 'held');
        if (next === undefined) continue;
        order.push(name);
        last = next;
      }
    }
    expect(order).toEqual(['greedy', 'modest', 'late', 'greedy', 'greedy']);
  });

  it('reserves capacity for a large request whose turn it is', () => {
    const queue = queueOf();
    const [a1, a2] = enqueue(queue, 'a', 5, 5) as [ItemPermit, ItemPermit];
    const [large] = enqueue(queue, 'b', 10) as [ItemPermit];
    const [small] = enqueue(queue, 'c', 1) as [ItemPermit];
    a1.release();
    expect(states([large, small])).toBe('queued queued');
    a2.release();
    expect(states([large, small])).toBe('held queued');
  });

  it('changes the load of a permit, even beyond its capacity', () => {
    const queue = queueOf();
    const [first, second] = enqueue(queue, 'a', 8, 4) as [ItemPermit, ItemPermit];
    first.resize({ items: 6 });
    expect([states([second]), queue.inUse('items')]).toEqual(['held', 10]);
    second.resize({ items: 40 });
    expect([states(enqueue(queue, 'b', 1)), queue.inUse('items')]).toEqual(['queued', 46]);
    for (const permit of [first, second, first]) permit.release();
    expect([queue.inUse('items'), queue.length]).toEqual([1, 0]);
  });

  it('merges two permits into one, which is released once', () => {
    const queue = queueOf();
    const [first, second] = enqueue(queue, 'a', 2, 3) as [ItemPermit, ItemPermit];
    first.absorb(second);
    second.release();
    expect([first.load.items, queue.inUse('items')]).toEqual([5, 5]);
    first.release();
    expect(queue.inUse('items')).toBe(0);
  });

  it('admits a client that holds nothing of an exceedable resource', () => {
    const queue = queueOf({ exceedable: ['items'] });
    const [large] = enqueue(queue, 'a', 1) as [ItemPermit];
    large.resize({ items: 100 });
    expect(states(enqueue(queue, 'b', 2, 2))).toBe('held queued');
  });
});

describe('the share of a client', () => {
  const share = { withOthers: { items: 5 }, alone: { items: 9 } };

  it('always leaves some of a resource for a client that comes later', () => {
    const queue = queueOf({ share });
    expect(states(enqueue(queue, 'a', 3, 3, 3, 1))).toBe('held held held queued');
    expect(states(enqueue(queue, 'b', 1))).toBe('held');
  });

  it('is smaller while others are active, and they get what is released', () => {
    const queue = queueOf({ share });
    const alone = enqueue(queue, 'a', ...Array<number>(12).fill(1));
    const [b1] = enqueue(queue, 'b', 1) as [ItemPermit];
    const [b2] = enqueue(queue, 'b', 1) as [ItemPermit];
    expect([queue.inUse('items'), states([b1, b2])]).toEqual([10, 'held queued']);
    alone[0]?.release();
    expect(states([b2])).toBe('held');
    for (const permit of alone.slice(1, 6)) permit.release();
    expect([queue.inUse('items'), queue.length]).toEqual([2 + 5, 1]);
  });

  it('delays only the client that has used it up, and none behind it', () => {
    const queue = queueOf({ share });
    enqueue(queue, 'b', 1)[0]?.release();
    expect(states(enqueue(queue, 'a', 5, 1))).toBe('held queued');
    expect(states(enqueue(queue, 'b', 5))).toBe('held');
  });

  it('counts a client as active until activeMs after its last permit', () => {
    const queue = queueOf({ share });
    enqueue(queue, 'b', 1)[0]?.release();
    now = 999;
    const permits = enqueue(queue, 'a', 5, 4);
    expect(states(permits)).toBe('held queued');
    now = 1_000;
    expect(states(enqueue(queue, 'a', 1))).toBe('queued');
    expect(states(permits)).toBe('held held');
  });

  it('is at most what remains free, so that there is capacity for each further client', () => {
    const queue = queueOf({ capacity: { items: 32 }, share: 'dynamic' });
    const held = ['a', 'b', 'c', 'd'].map((client) => {
      const permits = enqueue(queue, client, ...Array<number>(32).fill(1));
      return permits.filter(({ state }) => state === 'held').length;
    });
    expect(held).toEqual([16, 8, 4, 2]);
    expect(states(enqueue(queue, 'newcomer', 2))).toBe('held');
  });

  it('always includes one request', () => {
    const queue = queueOf({ capacity: { items: 10 }, share: 'dynamic' });
    expect(states(enqueue(queue, 'a', 7, 1))).toBe('held queued');
    expect(states(enqueue(queue, 'b', 3))).toBe('held');
  });
});

describe('a queued request', () => {
  it('is rejected when it has waited for its maximum time', async () => {
    const queue = queueOf();
    const [, waiting] = enqueue(queue, 'a', 10, 1) as [ItemPermit, ItemPermit];
    const rejection = settled(waiting);
    vi.advanceTimersByTime(maxWaitMs);
    expect(await rejection).toBe('queue_wait');
    expect([states([waiting]), queue.length]).toEqual(['released', 0]);
    waiting.release();
    expect(queue.inUse('items')).toBe(10);
  });

  it('that is too large for the free capacity blocks no client after it is released', () => {
    const queue = queueOf();
    enqueue(queue, 'a', 5);
    const [large] = enqueue(queue, 'b', 10) as [ItemPermit];
    const [small] = enqueue(queue, 'c', 1) as [ItemPermit];
    large.release();
    expect(states([large, small])).toBe('released held');
  });

  it('is rejected if the queue is full and its client has the most requests in it', async () => {
    const queue = queueOf({ maxQueueLength: 3 });
    const greedy = enqueue(queue, 'greedy', 10, 1, 1, 1);
    const rejection = settled(greedy[3]);
    const [modest] = enqueue(queue, 'modest', 1) as [ItemPermit];
    expect(await rejection).toBe('queue_full');
    expect(states([...greedy, modest])).toBe('held queued queued released queued');
    expect(queue.length).toBe(3);

    const [oneMore] = enqueue(queue, 'greedy', 1) as [ItemPermit];
    // Rejected before it had a listener: nothing is thrown, and a late listener is called at once.
    expect(states([oneMore])).toBe('released');
    expect(await settled(oneMore)).toBe('queue_full');
  });

  it('is rejected at once if the queue has no capacity', async () => {
    const queue = queueOf({ maxQueueLength: 0 });
    const [held, rejected] = enqueue(queue, 'a', 10, 1) as [ItemPermit, ItemPermit];
    expect(await settled(rejected)).toBe('queue_full');
    expect(states([held])).toBe('held');
  });
});

describe('random requests and releases', () => {
  const clients = ['a', 'b', 'c'];
  const step = fc.oneof(
    fc.record({ kind: fc.constant('enqueue' as const), client: fc.nat(2), items: fc.integer({ min: 1, max: 14 }) }),
    fc.record({ kind: fc.constant('release' as const), which: fc.nat(30) }),
    fc.record({ kind: fc.constant('halve' as const), which: fc.nat(30) }),
    fc.record({ kind: fc.constant('absorb' as const), which: fc.nat(30) }),
    fc.record({ kind: fc.constant('pass' as const), ms: fc.integer({ min: 1, max: 2_000 }) }),
  );
  const share = fc.constantFrom<FairQueueOptions<'items'>['share']>(
    { withOthers: { items: 10 }, alone: { items: 10 } },
    { withOthers: { items: 5 }, alone: { items: 10 } },
    { withOthers: { items: 3 }, alone: { items: 5 } },
    'dynamic',
  );

  it('a queue holds no more than its capacity, settles each permit once, and admits every request in the end', () => {
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 60 }),
        share,
        fc.integer({ min: 0, max: 8 }),
        (steps, part, maxQueueLength) => {
          let settlements = 0;
          const queue = queueOf({ share: part, maxQueueLength, onSettled: () => (settlements += 1) });
          const permits: ItemPermit[] = [];
          let left = 0;
          const held = (): ItemPermit[] => permits.filter(({ state }) => state === 'held');
          const check = (): void => {
            const sum = held().reduce((items, { load }) => items + load.items, 0);
            expect(queue.inUse('items')).toBe(sum);
            if (held().length > 1) expect(sum).toBeLessThanOrEqual(10);
            expect(queue.length).toBe(permits.filter(({ state }) => state === 'queued').length);
            expect(queue.length).toBeLessThanOrEqual(maxQueueLength);
            // A request is queued only while a permit is held.
            if (queue.length > 0) expect(held().length).toBeGreaterThan(0);
            expect(settlements + left + queue.length).toBe(permits.length);
          };
          for (const one of steps) {
            const permit = 'which' in one ? permits[one.which % Math.max(1, permits.length)] : undefined;
            if (one.kind === 'enqueue') permits.push(...enqueue(queue, clients[one.client] ?? '', one.items));
            else if (one.kind === 'pass') now += one.ms;
            else if (one.kind === 'release') {
              if (permit?.state === 'queued') left += 1;
              permit?.release();
            } else if (one.kind === 'halve') permit?.resize({ items: Math.ceil(permit.load.items / 2) });
            else {
              const other = permits.find((each) => each !== permit && each.clientId === permit?.clientId);
              if (other !== undefined) permit?.absorb(other);
            }
            check();
          }
          while (held().length > 0) {
            held()[0]?.release();
            check();
          }
          expect(permits.every(({ state }) => state === 'released')).toBe(true);
          expect(queue.inUse('items')).toBe(0);
          for (const permit of permits) permit.release();
        },
      ),
      { numRuns: 500 },
    );
  });

  it('no client is admitted twice while another one waits and both would fit', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(2), { minLength: 4, maxLength: 40 }), (order) => {
        const queue = queueOf();
        let [serving] = enqueue(queue, 'first', 10) as [ItemPermit];
        const queues = new Map(clients.map((client): [string, ItemPermit[]] => [client, []]));
        for (const index of order) queues.get(clients[index] ?? '')?.push(...enqueue(queue, clients[index] ?? '', 10));
        const passedOver = new Map(clients.map((client) => [client, 0]));
        order.forEach(() => {
          serving.release();
          const [served, permits] = [...queues].find(([, each]) => each[0]?.state === 'held') ?? [];
          serving = permits?.shift() ?? serving;
          for (const [client, waiting] of queues) {
            const times = client === served || waiting.length === 0 ? 0 : (passedOver.get(client) ?? 0) + 1;
            passedOver.set(client, times);
            expect(times).toBeLessThan(clients.length);
          }
        });
        expect([...queues.values()].every((permits) => permits.length === 0)).toBe(true);
        serving.release();
      }),
    );
  });
});
