import type { Rate, Rates } from '#libs/limits';

/** The limits of a client as rows have them; absent in the row of a client just made. */
export interface LimitColumns {
  items_per_second?: number | null;
  items_burst?: number | null;
  requests_per_second?: number | null;
  requests_burst?: number | null;
}

export function ratesOf(row: LimitColumns): Rates {
  const items = rateOf(row.items_per_second, row.items_burst);
  const requests = rateOf(row.requests_per_second, row.requests_burst);
  return { ...(items && { items }), ...(requests && { requests }) };
}

/** The values of the columns, in their order. */
export function limitValues({ items, requests }: Rates): (number | null)[] {
  return [items, requests].flatMap((rate) => [rate?.perSecond ?? null, rate?.burst ?? null]);
}

/** The two are there together or not at all, which the table sees to. */
function rateOf(perSecond: number | null | undefined, burst: number | null | undefined): Rate | undefined {
  if (perSecond === null || perSecond === undefined) return undefined;
  return { perSecond, burst: burst ?? perSecond };
}
