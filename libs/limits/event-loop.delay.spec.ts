import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { EventLoopDelay } from './event-loop.delay';

describe('the delay of the event loop', () => {
  let delay: EventLoopDelay;
  let blockedMs = 0;

  /** Advances the clock without running the timer, as blocking code does. */
  const block = (ms: number): void => {
    blockedMs += ms;
  };
  const idle = (ms: number): void => {
    vi.advanceTimersByTime(ms);
  };

  beforeEach(() => {
    vi.useFakeTimers();
    blockedMs = 0;
    delay = new EventLoopDelay(() => Date.now() + blockedMs);
    block(60_000); // as a start does
    expect(delay.ms).toBe(0);
  });
  afterEach(() => {
    delay.stop();
    vi.useRealTimers();
  });

  it('is 0 while nothing blocks', () => {
    idle(10_000);
    expect(delay.ms).toBe(0);
  });

  it('hardly grows with one pause of half a second', () => {
    block(500);
    idle(50);
    expect(delay.ms).toBeGreaterThan(100);
    expect(delay.ms).toBeLessThan(300);
  });

  it('is about the length of consecutive pauses', () => {
    for (let pause = 0; pause < 10; pause += 1) {
      block(800);
      idle(50);
    }
    expect(delay.ms).toBeGreaterThan(700);
    expect(delay.ms).toBeLessThan(850);
  });

  it('grows during a pause, before the timer can measure it', () => {
    idle(1_000);
    block(5_000);
    expect(delay.ms).toBeGreaterThan(4_000);
  });

  it('falls without further calls when the load falls', () => {
    block(5_000);
    idle(50);
    expect(delay.ms).toBeGreaterThan(4_000);
    idle(3_000);
    expect(delay.ms).toBeLessThan(500);
  });
});
