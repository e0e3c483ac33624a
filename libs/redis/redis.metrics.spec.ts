import { describe, expect, it } from 'vitest';
import { Instruments } from '#libs/telemetry';
import { RedisMetrics } from './redis.metrics';

describe('RedisMetrics', () => {
  it('starts errors at 0 for every kind and counts them', async () => {
    const instruments = new Instruments();
    const metrics = new RedisMetrics(instruments);
    const errors = async () => Object.fromEntries(await instruments.samples('prism_redis_errors_total'));
    expect(await errors()).toEqual({
      '{kind="timeout"}': 0,
      '{kind="connection"}': 0,
      '{kind="rejected"}': 0,
      '{kind="other"}': 0,
    });
    metrics.countRedisError('connection');
    expect(await errors()).toMatchObject({ '{kind="connection"}': 1 });
  });

  it('serves prism_redis_up only after the state is known', async () => {
    const instruments = new Instruments();
    const metrics = new RedisMetrics(instruments);
    const up = async () => Object.fromEntries(await instruments.samples('prism_redis_up'));
    expect(await up()).toEqual({});
    metrics.setRedisUp(true);
    expect(await up()).toEqual({ '': 1 });
    metrics.setRedisUp(false);
    expect(await up()).toEqual({ '': 0 });
  });
});
