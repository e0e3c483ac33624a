import { RATE_UNITS } from '#libs/telemetry';
import { roomIn, secondsOf, type Standing } from './bucket';
import type { Rates } from './rate';

/** Headers of an answer, by name in lower case. */
export type Fields = Readonly<Record<string, string>>;

/**
 * `RateLimit-Policy` and `RateLimit` as draft-ietf-httpapi-ratelimit-headers-11 has them: every limit of the client, and how
 * those stand that the request was held against.
 *
 * @param retryAfter of a request that is refused, in seconds: nothing else may name a later time
 */
export function rateFields(rates: Rates, standings: readonly Standing[], retryAfter = Infinity): Fields {
  return {
    'ratelimit-policy': RATE_UNITS.flatMap((unit) => {
      const rate = rates[unit];
      if (rate === undefined) return [];
      const { perSecond, burst } = rate;
      // The window in which a burst comes back, and what comes back in it: the quotient is the rate, whatever the burst.
      const window = Math.max(1, Math.ceil(burst / perSecond));
      // The draft's own unit is the default. Left out for items, it would say something wrong.
      const unitOfQuota = unit === 'requests' ? '' : `;qu="${unit}"`;
      return `"${unit}";q=${perSecond * window}${unitOfQuota};w=${window}`;
    }).join(', '),
    ratelimit: standings
      .map((standing) => {
        const reset = Math.min(secondsOf(standing.filledUs), retryAfter);
        return `"${standing.draw.unit}";r=${roomIn(standing)};t=${reset}`;
      })
      .join(', '),
  };
}
