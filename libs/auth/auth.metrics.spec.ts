import { describe, expect, it } from 'vitest';
import { Instruments } from '#libs/telemetry';
import { AuthMetrics } from './auth.metrics';
import { ClientLabel } from './client.label';

describe('AuthMetrics', () => {
  it.each([
    ['prism_auth_failures_total', 7],
    ['prism_auth_throttled_total', 2],
  ])('starts %s at 0 for its %i label sets', async (name, size) => {
    const instruments = new Instruments();
    new AuthMetrics(instruments);
    const samples = await instruments.samples(name);
    expect(samples.size).toBe(size);
    expect(new Set(samples.values())).toEqual(new Set([0]));
  });

  it('counts rejected requests by reason', async () => {
    const instruments = new Instruments();
    new AuthMetrics(instruments).countAuthFailure('revoked');
    expect((await instruments.samples('prism_auth_failures_total')).get('{reason="revoked"}')).toBe(1);
  });
});

describe('ClientLabel', () => {
  it('names the first clients and combines the others', () => {
    const label = new ClientLabel({ metricsMaxClients: 2 });
    const names = ['billing', 'crm', 'import', 'export', 'billing'];
    expect(names.map((name) => label.of(name))).toEqual(['billing', 'crm', 'other', 'other', 'billing']);
  });
});
