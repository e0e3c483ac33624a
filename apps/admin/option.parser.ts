import { AccessError } from '#libs/auth';
import { InvalidArgumentError } from 'commander';

/** A rule of a library as the parser of an option, so that its refusal names the option it is about. */
export function checked<T>(rule: (text: string) => T): (text: string) => T {
  return (text) => {
    try {
      return rule(text);
    } catch (error) {
      if (error instanceof AccessError) throw new InvalidArgumentError(error.message);
      throw error;
    }
  };
}

/** A parser of whole numbers between two, both included. */
export function wholeNumber(min: number, max: number): (text: string) => number {
  return (text) => {
    const number = /^\d{1,15}$/.test(text) ? Number(text) : NaN;
    if (number >= min && number <= max) return number;
    throw new InvalidArgumentError(`It must be a whole number, ${min} to ${max}.`);
  };
}

const DURATION = /^([1-9]\d{0,5})([smhdw])$/;
const ISO_TIME = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,3})?)?(Z|[+-]\d{2}:\d{2}))?$/;
const UNIT_MS = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 };

/** `90d`, `12h`, ... from now. */
export function momentAfter(text: string): Date {
  const moment = afterDuration(text);
  if (moment === undefined) {
    throw new InvalidArgumentError('It must be a duration such as 90d; the units are s, m, h, d and w.');
  }
  return moment;
}

/** A duration from now, or a time of ISO 8601 with its zone (a day is its first moment in UTC) that is yet to come. */
export function futureMoment(text: string): Date {
  const moment = afterDuration(text) ?? isoMoment(text);
  if (moment === undefined) {
    throw new InvalidArgumentError(
      'It must be a duration such as 90d (s, m, h, d, w), a day such as 2030-01-31 or a time such as 2030-01-31T12:00:00Z.',
    );
  }
  if (moment.getTime() <= Date.now()) throw new InvalidArgumentError('It must lie in the future.');
  return moment;
}

function afterDuration(text: string): Date | undefined {
  const [, count, unit] = DURATION.exec(text) ?? [];
  if (count === undefined || unit === undefined) return undefined;
  // The pattern admits no other units.
  const moment = new Date(Date.now() + Number(count) * UNIT_MS[unit as keyof typeof UNIT_MS]);
  return moment.getUTCFullYear() <= 9999 ? moment : undefined;
}

function isoMoment(text: string): Date | undefined {
  if (!ISO_TIME.test(text)) return undefined;
  const moment = new Date(text);
  if (Number.isNaN(moment.getTime())) return undefined;
  // JavaScript reads the 30th of February as a day in March.
  const day = text.slice(0, 10);
  return new Date(day).toISOString().startsWith(day) ? moment : undefined;
}
