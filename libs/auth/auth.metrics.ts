import { Injectable } from '@nestjs/common';
import { Instruments } from '#libs/telemetry';

const FAILURES = ['missing', 'malformed', 'unknown', 'revoked', 'expired', 'scope', 'team'] as const;
/** Why an API key gives no access to a request. */
export type AuthFailureReason = (typeof FAILURES)[number];

const THROTTLES = ['address', 'lookups'] as const;
/** Why a request is rejected before its API key is looked up. */
export type AuthThrottle = (typeof THROTTLES)[number];

/** Metrics of authentication. */
@Injectable()
export class AuthMetrics {
  private readonly failures;
  private readonly throttled;

  constructor(instruments: Instruments) {
    this.failures = instruments.counter(
      'prism_auth_failures_total',
      'Requests rejected with 401 or 403, by the reason.',
      { reason: FAILURES },
    );
    this.throttled = instruments.counter(
      'prism_auth_throttled_total',
      'Requests rejected because their address had sent too many invalid keys (429), or because too many unknown keys were being looked up (503).',
      { reason: THROTTLES },
    );
    for (const reason of FAILURES) this.failures.inc({ reason }, 0);
    for (const reason of THROTTLES) this.throttled.inc({ reason }, 0);
  }

  countAuthFailure(reason: AuthFailureReason): void {
    this.failures.inc({ reason });
  }

  countAuthThrottled(reason: AuthThrottle): void {
    this.throttled.inc({ reason });
  }
}
