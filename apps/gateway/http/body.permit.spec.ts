import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { readSettings } from '#libs/config';
import { Admission, LimitsMetrics } from '#libs/limits';
import { Instruments } from '#libs/telemetry';
import { BodyPermit } from './body.permit';

const SECTION = Buffer.alloc(262_144);

let raw: IncomingMessage;
let admission: Admission;
let body: BodyPermit;
let pauseMs: number;
let chargedBytes: number;
let waits: boolean[];

beforeEach(() => {
  vi.useFakeTimers();
  pauseMs = 0;
  chargedBytes = 0;
  waits = [];
  raw = new IncomingMessage(new Socket());
  const settings = readSettings({
    DATABASE_URL: 'postgres://db/x',
    BODY_LIMIT_BYTES: '4000000',
    MAX_BODY_BYTES_IN_FLIGHT: '4000000',
  });
  admission = new Admission(settings, new LimitsMetrics(new Instruments()));
  body = new BodyPermit({
    raw,
    announcedBytes: 1_000_000,
    enqueue: (bytes) => admission.enqueueBody('client', bytes, 1_000),
    pauseMs: () => pauseMs,
    charge: (bytes) => (chargedBytes += bytes),
    onWait: (waiting) => waits.push(waiting),
    onRejected: () => expect.unreachable(),
  });
});
afterEach(() => {
  body.end();
  vi.useRealTimers();
});

it('a body smaller than a section is read without a pause', () => {
  raw.emit('data', SECTION.subarray(1));
  expect([raw.isPaused(), chargedBytes]).toEqual([false, 0]);
});

it('after a section, the event loop serves others before the next one is read and charged', () => {
  raw.emit('data', SECTION);
  expect([raw.isPaused(), chargedBytes]).toEqual([true, 0]);
  vi.advanceTimersByTime(0);
  expect([raw.isPaused(), chargedBytes]).toEqual([false, SECTION.length]);
});

it('the next section is read when the pause of the client is over, however often it is extended', () => {
  pauseMs = 10;
  raw.emit('data', SECTION);
  vi.advanceTimersByTime(10);
  expect([raw.isPaused(), waits.at(-1)]).toEqual([true, true]);
  pauseMs = 0;
  vi.advanceTimersByTime(10);
  expect([raw.isPaused(), waits.at(-1), chargedBytes]).toEqual([false, false, SECTION.length]);
});

it('the next section is not read before the body has its permit', async () => {
  const other = admission.enqueueBody('client', 4_000_000, 1_000);
  raw.emit('data', SECTION);
  vi.advanceTimersByTime(1);
  expect([raw.isPaused(), chargedBytes]).toEqual([true, SECTION.length]);
  other.release();
  await vi.advanceTimersByTimeAsync(0);
  expect([raw.isPaused(), waits]).toEqual([false, [true, false]]);
});

it('a permit that is granted during the pause does not end it', async () => {
  const other = admission.enqueueBody('client', 4_000_000, 1_000);
  pauseMs = 10;
  raw.emit('data', SECTION);
  other.release();
  await vi.advanceTimersByTimeAsync(0);
  expect(raw.isPaused()).toBe(true);
  pauseMs = 0;
  vi.advanceTimersByTime(10);
  expect(raw.isPaused()).toBe(false);
});

it('a request that ends during the pause drops the rest of its body', () => {
  pauseMs = 10;
  raw.emit('data', SECTION);
  body.end();
  expect(raw.isPaused()).toBe(false);
  vi.advanceTimersByTime(10);
  expect(chargedBytes).toBe(0);
});
