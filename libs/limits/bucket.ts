import { RATE_UNITS, type RateUnit } from '#libs/telemetry';
import type { Cost, Rate, Rates } from './rate';

/*
 * A limit is a bucket that leaks at its rate: what a request takes is poured in, and what would make it overflow is refused.
 * Everything is measured as the time in which it leaks, in whole microseconds, so that all there is to remember of a bucket is
 * when it will be empty. charge-1.lua does the same.
 */

const SECOND_US = 1_000_000;

/** What is asked of one bucket. */
export interface Draw {
  readonly unit: RateUnit;
  readonly rate: Rate;
  /** What is poured in; less than 0: taken out again. */
  readonly costUs: number;
  /** How much the bucket holds. */
  readonly sizeUs: number;
}

/** What came of it. */
export interface Standing {
  readonly draw: Draw;
  /** How long until it has room for what was asked; 0: it had. */
  readonly waitUs: number;
  /** How long until it is empty. */
  readonly filledUs: number;
}

/** What a request asks of each bucket of its client. */
export function drawsOf(rates: Rates, cost: Cost): Draw[] {
  return RATE_UNITS.flatMap((unit) => {
    const rate = rates[unit];
    if (rate === undefined) return [];
    const { perSecond, burst } = rate;
    return {
      unit,
      rate,
      // Rounded to where as much as the burst always fits, one by one.
      costUs: Math.trunc((cost[unit] * SECOND_US) / perSecond),
      sizeUs: Math.ceil((burst * SECOND_US) / perSecond),
    };
  });
}

/** The most that would fit now. */
export function roomIn({ draw: { rate, sizeUs }, filledUs }: Omit<Standing, 'waitUs'>): number {
  const { perSecond, burst } = rate;
  // What fits fits with its fraction of a microsecond cut off.
  const fits = Math.ceil(((sizeUs - filledUs + 1) * perSecond) / SECOND_US) - 1;
  return Math.min(burst, Math.max(0, fits));
}

/** Whole seconds, at least one. */
export function secondsOf(us: number): number {
  return Math.max(1, Math.ceil(us / SECOND_US));
}
