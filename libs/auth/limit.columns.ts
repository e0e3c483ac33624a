import { type Rate, RATE_UNITS, type Rates, type RateUnit } from '#libs/limits';

/** The columns of `client_limits`. Absent from the row of a newly inserted client. */
export type LimitColumns = Partial<Record<`${RateUnit}_per_second` | `${RateUnit}_burst`, number | null>>;

/** The rate limits in a row; a unit without a limit is missing. */
export function ratesOf(row: LimitColumns): Rates {
  const rates: Partial<Record<RateUnit, Rate>> = {};
  for (const unit of RATE_UNITS) {
    const perSecond = row[`${unit}_per_second`] ?? undefined;
    // The table stores both or neither.
    if (perSecond !== undefined) rates[unit] = { perSecond, burst: row[`${unit}_burst`] ?? perSecond };
  }
  return rates;
}
