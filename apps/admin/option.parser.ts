import { AccessError } from '#libs/auth';
import { InvalidArgumentError } from 'commander';

/** Turns a parser that throws AccessError into the parser of an option, whose error names the option. */
export function checked<T>(parse: (text: string) => T): (text: string) => T {
  return (text) => {
    try {
      return parse(text);
    } catch (error) {
      if (error instanceof AccessError) throw new InvalidArgumentError(error.message);
      throw error;
    }
  };
}

/** A parser of whole numbers from `min` to `max`. */
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
export function timeAfter(text: string): Date {
  const time = timeAfterDuration(text);
  if (time === undefined) {
    throw new InvalidArgumentError('It must be a duration such as 90d; the units are s, m, h, d and w.');
  }
  return time;
}

/** A duration from now, or a future ISO 8601 time with its zone. A day is its start in UTC. */
export function futureTime(text: string): Date {
  const time = timeAfterDuration(text) ?? isoTime(text);
  if (time === undefined) {
    throw new InvalidArgumentError(
      'It must be a duration such as 90d (s, m, h, d, w), a day such as 2030-01-31 or a time such as 2030-01-31T12:00:00Z.',
    );
  }
  if (time.getTime() <= Date.now()) throw new InvalidArgumentError('It must be in the future.');
  return time;
}

function timeAfterDuration(text: string): Date | undefined {
  const [, count, unit] = DURATION.exec(text) ?? [];
  if (count === undefined || unit === undefined) return undefined;
  // The pattern allows no other units.
  const time = new Date(Date.now() + Number(count) * UNIT_MS[unit as keyof typeof UNIT_MS]);
  return time.getUTCFullYear() <= 9999 ? time : undefined;
}

function isoTime(text: string): Date | undefined {
  if (!ISO_TIME.test(text)) return undefined;
  const time = new Date(text);
  if (Number.isNaN(time.getTime())) return undefined;
  // JavaScript parses 30 February as a day in March.
  const day = text.slice(0, 10);
  return new Date(day).toISOString().startsWith(day) ? time : undefined;
}
