import { Injectable } from '@nestjs/common';
import { Instruments } from '#libs/telemetry';

const ERROR_KINDS = ['timeout', 'connection', 'rejected', 'other'] as const;
type RedisErrorKind = (typeof ERROR_KINDS)[number];

/** Metrics of the Redis connection. */
@Injectable()
export class RedisMetrics {
  private readonly up;
  private readonly errors;

  constructor(instruments: Instruments) {
    this.up = instruments.gauge(
      'prism_redis_up',
      '1 while Redis is available, 0 while it is not or rejects calls; absent if `REDIS_URL` is unset.',
      {},
    );
    this.up.remove(); // A gauge without labels starts at 0.
    this.errors = instruments.counter(
      'prism_redis_errors_total',
      'Redis calls that failed, so that the request continued without Redis. `rejected`: Redis would reject other calls too (out of memory, read-only, no permission). `other`: an error reply of another kind.',
      { kind: ERROR_KINDS },
    );
    for (const kind of ERROR_KINDS) this.errors.inc({ kind }, 0);
  }

  countRedisError(kind: RedisErrorKind): void {
    this.errors.inc({ kind });
  }

  setRedisUp(up: boolean): void {
    this.up.set(up ? 1 : 0);
  }
}
