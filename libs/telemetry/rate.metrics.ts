import type { Instruments } from './instruments';
import { RATE_KEEPERS, RATE_UNITS, type RateKeeper, type RateUnit } from './metric.labels';

/** How clients stand to the rates that limit them. */
export class RateMetrics {
  private readonly limited;
  private readonly checks;

  constructor(instruments: Instruments) {
    this.limited = instruments.counter(
      'prism_rate_limited_total',
      'Requests refused with 429, by the limit of their client that they exceed: of both, the one that takes longer.',
      { limit: RATE_UNITS },
    );
    this.checks = instruments.counter(
      'prism_rate_checks_total',
      'Requests held against a limit of their client, by what kept the count: Redis for all gateways, or the process for itself.',
      { keeper: RATE_KEEPERS },
    );
    for (const limit of RATE_UNITS) this.limited.inc({ limit }, 0);
    for (const keeper of RATE_KEEPERS) this.checks.inc({ keeper }, 0);
  }

  countLimited(limit: RateUnit): void {
    this.limited.inc({ limit });
  }

  countCheck(keeper: RateKeeper): void {
    this.checks.inc({ keeper });
  }
}
