import { beforeEach, describe, expect, it } from 'vitest';
import { CpuUsage } from './cpu.usage';

let now: number;
let stalls: unknown[];
let cpu: CpuUsage;

beforeEach(() => {
  now = 1_000;
  stalls = [];
  cpu = new CpuUsage(
    (...stall) => stalls.push(stall),
    () => now,
  );
});

function use(client: string, ms: number): void {
  cpu.measure(client, 'parse', () => (now += ms));
}

describe('the client that delays the event loop', () => {
  it('is the one that uses more than its share, and no other', () => {
    use('greedy', 600);
    use('modest', 20);
    expect(cpu.exceedsFairShare('greedy')).toBe(true);
    expect(cpu.exceedsFairShare('modest')).toBe(false);
    expect(cpu.exceedsFairShare('unknown')).toBe(false);
  });

  it('is each of those that use it equally', () => {
    for (const client of ['a', 'b', 'c']) cpu.countRequest(client);
    for (let round = 0; round < 100; round += 1) for (const client of ['a', 'b', 'c']) use(client, 3);
    expect(['a', 'b', 'c'].map((client) => cpu.exceedsFairShare(client))).toContain(true);
  });

  it('is none if no client uses much of the CPU', () => {
    use('only', 90);
    expect(cpu.exceedsFairShare('only')).toBe(false);
  });

  it('is forgotten if 10,000 other clients were active since, and the most recent ones are not', () => {
    use('forgotten', 600);
    use('greedy', 600);
    for (let n = 0; n < 9_999; n += 1) cpu.countRequest(`client ${n}`);
    expect(cpu.exceedsFairShare('forgotten')).toBe(false);
    expect(cpu.exceedsFairShare('greedy')).toBe(true);
  });

  it('is none after three seconds without usage', () => {
    use('greedy', 600);
    now += 3_000;
    expect(cpu.exceedsFairShare('greedy')).toBe(false);
  });

  it('is the one with many small requests, too', () => {
    for (let n = 0; n < 1_000; n += 1) cpu.countRequest('flood');
    for (let n = 0; n < 50; n += 1) cpu.countRequest('modest');
    expect(cpu.exceedsFairShare('flood')).toBe(true);
    expect(cpu.exceedsFairShare('modest')).toBe(false);
  });
});

describe('an expensive section', () => {
  it('is followed by a pause of seven times its length while others are active', () => {
    cpu.countRequest('modest');
    use('greedy', 40);
    expect(cpu.pauseMs('greedy')).toBe(7 * 40);
    expect(cpu.pauseMs('modest')).toBe(0);
  });

  it('is followed by no pause if it is short or its client is alone', () => {
    use('alone', 40);
    expect(cpu.pauseMs('alone')).toBe(0);
    cpu.countRequest('modest');
    use('quick', 2);
    expect(cpu.pauseMs('quick')).toBe(0);
  });

  it('is followed by a pause even if it is short, when it is one of many', () => {
    cpu.countRequest('modest');
    cpu.chargeSection('greedy', 1);
    cpu.chargeSection('greedy', 1);
    expect(cpu.pauseMs('greedy')).toBe(2 * 7);
  });

  it('of 50 ms is a stall of its client and stage', () => {
    use('greedy', 49);
    use('greedy', 50);
    expect(stalls).toEqual([['greedy', 'parse', 50]]);
  });

  it('is attributed even if it throws', () => {
    expect(() =>
      cpu.measure('greedy', 'plan', () => {
        now += 200;
        throw new Error('invalid');
      }),
    ).toThrow('invalid');
    expect(cpu.exceedsFairShare('greedy')).toBe(true);
  });
});

describe('a request of a client whose requests are expensive', () => {
  beforeEach(() => {
    cpu.countRequest('modest');
    cpu.settle('greedy', cpu.chargeExpected('greedy'), 40);
  });

  it('is charged in advance, so that the next one waits for it too', () => {
    expect(cpu.pauseMs('greedy')).toBe(7 * 40);
    expect(cpu.chargeExpected('greedy')).toBe(40);
    expect(cpu.pauseMs('greedy')).toBe(2 * 7 * 40);
  });

  it('is charged once', () => {
    cpu.settle('greedy', cpu.chargeExpected('greedy'), 40);
    expect(cpu.pauseMs('greedy')).toBe(2 * 7 * 40);
  });

  it('pauses its client for 5 s at most, however many of them there are', () => {
    for (let n = 0; n < 100; n += 1) cpu.chargeExpected('greedy');
    expect(cpu.pauseMs('greedy')).toBe(5_000);
  });

  it('is expected to be cheap again after some cheap requests', () => {
    for (let n = 0; n < 12; n += 1) cpu.settle('greedy', cpu.chargeExpected('greedy'), 0);
    expect(cpu.chargeExpected('greedy')).toBe(0);
  });

  it('is followed only by its own pause if its client was alone', () => {
    for (let n = 0; n < 10; n += 1) cpu.settle('alone', cpu.chargeExpected('alone'), 40);
    now += 1_000;
    cpu.settle('alone', cpu.chargeExpected('alone'), 40);
    cpu.countRequest('modest');
    expect(cpu.pauseMs('alone')).toBeLessThanOrEqual(7 * 40);
  });
});
