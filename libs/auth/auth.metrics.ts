import { Injectable } from '@nestjs/common';
import { Instruments } from '#libs/telemetry';

const FAILURE_REASONS = ['missing', 'malformed', 'unknown', 'revoked', 'expired', 'scope', 'team'] as const;
/** Why a request is rejected with 401 or 403. */
export type AuthFailureReason = (typeof FAILURE_REASONS)[number];

const THROTTLE_REASONS = ['address', 'lookups'] as const;
/** Why a request is rejected before its API key is looked up. */
export type AuthThrottleReason = (typeof THROTTLE_REASONS)[number];

/** Metrics of authentication. */
@Injectable()
export class AuthMetrics {
  private readonly failures;
  private readonly throttled;

  constructor(instruments: Instruments) {
    this.failures = instruments.counter(
      'prism_auth_failures_total',
      'Requests rejected with 401 or 403, by the reason.',
      { reason: FAILURE_REASONS },
    );
    this.throttled = instruments.counter(
      'prism_auth_throttled_total',
      'Requests rejected because their address had sent too many invalid keys (429), or because too many unknown keys were being looked up (503).',
      { reason: THROTTLE_REASONS },
    );
    for (const reason of FAILURE_REASONS) this.failures.inc({ reason }, 0);
    for (const reason of THROTTLE_REASONS) this.throttled.inc({ reason }, 0);
  }

  countAuthFailure(reason: AuthFailureReason): void {
    this.failures.inc({ reason });
  }

  countAuthThrottled(reason: AuthThrottleReason): void {
    this.throttled.inc({ reason });
  }
}
