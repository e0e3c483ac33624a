import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, it, vi } from 'vitest';
import { ParseMutex } from './parse.mutex';

const noRest = { restMs: () => 0 };

it('lets clients take turns: another one is served after one section of the first', async () => {
  const order: string[] = [];
  const mutex = new ParseMutex(noRest);
  for (let n = 0; n < 10; n += 1) mutex.enqueue('greedy', () => order.push('greedy'));
  mutex.enqueue('modest', () => order.push('modest'));
  await vi.waitFor(() => {
    expect(order).toHaveLength(11);
  });
  expect(order.indexOf('modest')).toBe(1);
});

it('runs one section in each turn of the event loop', async () => {
  let sections = 0;
  const mutex = new ParseMutex(noRest);
  for (let n = 0; n < 3; n += 1) mutex.enqueue('a', () => (sections += 1));
  const seen: number[] = [];
  for (let turn = 0; turn < 4; turn += 1) {
    await nextTurn();
    seen.push(sections);
  }
  expect(seen).toEqual([1, 2, 3, 3]);
});

it('passes over a client that rests, and runs its section after the rest', () => {
  vi.useFakeTimers();
  const rests = new Map([['greedy', 20]]);
  const order: string[] = [];
  const mutex = new ParseMutex({ restMs: (client) => rests.get(client) ?? 0 });
  mutex.enqueue('greedy', () => order.push('greedy'));
  mutex.enqueue('modest', () => order.push('modest'));
  vi.advanceTimersByTime(20);
  expect(order).toEqual(['modest']);
  rests.clear();
  vi.advanceTimersByTime(20);
  expect(order).toEqual(['modest', 'greedy']);
  vi.useRealTimers();
});
