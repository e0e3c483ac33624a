import type { Instruments } from './instruments';
import { RATE_STORES, RATE_UNITS, type RateStore, type RateUnit } from './metric.labels';

/** Metrics of the rate limits of clients. */
export class RateMetrics {
  private readonly limited;
  private readonly checks;

  constructor(instruments: Instruments) {
    this.limited = instruments.counter(
      'prism_rate_limited_total',
      'Requests refused with 429, by the unit of the exceeded rate limit: of several, the one with the longest wait.',
      { limit: RATE_UNITS },
    );
    this.checks = instruments.counter(
      'prism_rate_checks_total',
      'Requests checked against the rate limits of their client, by where they are counted: in Redis for all gateways, or in the process.',
      { store: RATE_STORES },
    );
    for (const limit of RATE_UNITS) this.limited.inc({ limit }, 0);
    for (const store of RATE_STORES) this.checks.inc({ store }, 0);
  }

  countLimited(limit: RateUnit): void {
    this.limited.inc({ limit });
  }

  countCheck(store: RateStore): void {
    this.checks.inc({ store });
  }
}
