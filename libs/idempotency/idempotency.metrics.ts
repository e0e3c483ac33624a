import { Injectable } from '@nestjs/common';
import { Instruments } from '#libs/telemetry';

const RESULTS = ['executed', 'resumed', 'replayed_cache', 'replayed_ledger', 'mismatch', 'stale', 'in_use'] as const;
type IdempotencyResult = (typeof RESULTS)[number];

/** Metrics of requests with an `Idempotency-Key`. */
@Injectable()
export class IdempotencyMetrics {
  private readonly requests;
  private readonly claims;

  constructor(instruments: Instruments) {
    this.requests = instruments.counter(
      'prism_idempotency_requests_total',
      'Requests with an Idempotency-Key, by result.',
      { result: RESULTS },
    );
    this.claims = instruments.gauge(
      'prism_idempotency_claims_in_flight',
      'Requests with an Idempotency-Key that are being executed; each holds one claim.',
      {},
    );
    for (const result of RESULTS) this.requests.inc({ result }, 0);
  }

  countIdempotency(result: IdempotencyResult): void {
    this.requests.inc({ result });
  }

  /** Counts a claim that a request acquires (1) or releases (-1). */
  addClaims(n: 1 | -1): void {
    this.claims.inc(n);
  }
}
