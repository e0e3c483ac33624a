import { expect, it } from 'vitest';
import { Instruments } from '#libs/telemetry';
import { IdempotencyMetrics } from './idempotency.metrics';

it('starts every result at 0 and counts requests by result', async () => {
  const instruments = new Instruments();
  const metrics = new IdempotencyMetrics(instruments);
  const samples = () => instruments.samples('prism_idempotency_requests_total');
  expect((await samples()).size).toBe(7);
  expect(new Set((await samples()).values())).toEqual(new Set([0]));
  metrics.countIdempotency('in_use');
  expect((await samples()).get('{result="in_use"}')).toBe(1);
});
