import { type Json, parseUuid } from '#libs/json';
import { isStorable, isStorableNumber, isStorableText } from './json.check';
import { isMultiValue, type PropertyDefinition, type PropertyOption } from './property-definition';
import type { ValidationErrors } from './validation.errors';

/** Returns the value to store; null if the value is invalid, after adding the error. Null itself is never checked. */
type ValueCheck = (value: unknown, errors: ValidationErrors) => Json | null;

/** A property definition, compiled for the validation of values. */
export interface PropertyRule {
  readonly required: boolean;
  /** Why clients cannot write the property, as the end of an error message; undefined if they can. */
  readonly readOnlyReason: string | undefined;
  /** Whether the value is an array, so that operators can add and remove elements. */
  readonly multi: boolean;
  /** Whether the value is a number, so that an operator can add to it. */
  readonly numeric: boolean;
  readonly check: ValueCheck;
}

/** The number of options that an error message lists. */
const MAX_LISTED_OPTIONS = 10;

const DATE = /^(\d{4})-(\d{2})-(\d{2})(?:[Tt](.+))?$/;
/** Offsets up to ±15:59 and fractions up to nanoseconds: Postgres cannot compare more. */
const TIME = /^([01]\d|2[0-3]):([0-5]\d):(?:[0-5]\d(?:\.\d{1,9})?|(60))(?:[Zz]|([+-])(0\d|1[0-5]):([0-5]\d))$/;
const DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
const MINUTES_PER_DAY = 1440;

const text: ValueCheck = (value, errors) => {
  if (typeof value !== 'string') return reject(errors, 'must be a string');
  return isStorableText(value, errors) ? value : null;
};

const number: ValueCheck = (value, errors) => {
  if (typeof value !== 'number') return reject(errors, 'must be a number');
  return isStorableNumber(value, errors) ? value : null;
};

const boolean: ValueCheck = (value, errors) =>
  typeof value === 'boolean' ? value : reject(errors, 'must be true or false');

const date: ValueCheck = (value, errors) =>
  typeof value === 'string' && isDate(value)
    ? value
    : reject(errors, 'must be an existing date, as 2026-02-28 or as RFC 3339 date-time 2026-02-28T09:30:00Z');

const reference: ValueCheck = (value, errors) => parseUuid(value) ?? reject(errors, 'must be a record id (UUID)');

const json: ValueCheck = (value, errors) => (isStorable(value, errors) ? value : null);

/** The rule of undefined properties, if they are accepted. */
export const ANY_VALUE: PropertyRule = {
  required: false,
  readOnlyReason: undefined,
  multi: false,
  numeric: false,
  check: json,
};

export function ruleOf(definition: PropertyDefinition): PropertyRule {
  return {
    // Clients cannot supply a value that they cannot write.
    required: definition.required && !definition.locked,
    readOnlyReason: readOnlyReasonOf(definition),
    multi: isMultiValue(definition),
    numeric: definition.type === 'num',
    check: checkOf(definition),
  };
}

function readOnlyReasonOf({ locked, unsupportedType }: PropertyDefinition): string | undefined {
  if (unsupportedType !== undefined) return 'is read-only: this release does not support its type; leave it out';
  return locked ? 'is read-only: leave it out' : undefined;
}

function checkOf({ type, options }: PropertyDefinition): ValueCheck {
  switch (type) {
    case 'str':
    case 'text':
      return text;
    case 'num':
      return number;
    case 'bool':
      return boolean;
    case 'date':
      return date;
    case 'jsonb':
      return json;
    case 'select_str':
      return option(options);
    case 'multiselect_str':
      return arrayOf(option(options));
    case 'multi_str':
      return arrayOf(text);
    default:
      return type.startsWith('multiref_') ? arrayOf(reference) : reference;
  }
}

/** One of the options, by slug or by id; stored as the slug. An option that is added to the array later counts as well. */
function option(options: readonly PropertyOption[]): ValueCheck {
  const slugs = new Map<string, string>();
  let indexed = 0;

  return (value, errors) => {
    if (typeof value !== 'string') return reject(errors, 'must be a string: the slug or id of an option');
    if (!isStorableText(value, errors)) return null;
    if (indexed < options.length) {
      const added = options.slice(indexed);
      // Slugs overwrite ids: a slug that equals the id of another option means its own option.
      for (const { id, slug } of added) slugs.set(id.toLowerCase(), slug);
      for (const { slug } of added) slugs.set(slug, slug);
      indexed = options.length;
    }
    const slug = slugs.get(value) ?? slugs.get(value.toLowerCase());
    if (slug !== undefined) return slug;
    const listed = listOptions(options);
    const hint = listed === '' ? 'it has none' : `use ${listed}`;
    return errors.add('unknown_option', `is not an option of this property; ${hint}`);
  };
}

/** An array of valid elements, in order and without duplicates. */
function arrayOf(element: ValueCheck): ValueCheck {
  return (value, errors) => {
    if (!Array.isArray(value)) return reject(errors, 'must be an array');
    const elements = new Set<Json>();
    let valid = true;
    for (let index = 0; index < value.length; index += 1) {
      errors.enter(index);
      const checked = element(value[index], errors);
      errors.leave();
      if (checked === null) valid = false;
      else elements.add(checked);
    }
    return valid ? [...elements] : null;
  };
}

function reject(errors: ValidationErrors, rule: string): null {
  return errors.add('invalid_property', rule);
}

/** The options of a property, for an error message; empty if it has none. */
export function listOptions(options: readonly PropertyOption[]): string {
  const listed = options.slice(0, MAX_LISTED_OPTIONS).map(({ slug }) => slug);
  const more = options.length - listed.length;
  return `${listed.join(', ')}${more > 0 ? ` or one of ${more} more` : ''}`;
}

/** Whether the text is a calendar date (`2026-02-28`) or an RFC 3339 date-time (`2026-02-28T09:30:00+01:00`). */
export function isDate(value: string): boolean {
  const match = DATE.exec(value);
  if (match === null) return false;
  const [, year, month, day, time] = match;
  return isDay(Number(year), Number(month), Number(day)) && (time === undefined || isTime(time));
}

/** As in Postgres, there is no year 0. */
function isDay(year: number, month: number, day: number): boolean {
  const days = month === 2 && isLeapYear(year) ? 29 : DAYS[month - 1];
  return year > 0 && day > 0 && days !== undefined && day <= days;
}

function isLeapYear(year: number): boolean {
  return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
}

function isTime(value: string): boolean {
  const match = TIME.exec(value);
  if (match === null) return false;
  const [, hour, minute, leapSecond, sign = '+', offsetHour = '0', offsetMinute = '0'] = match;
  if (leapSecond === undefined) return true;
  // A leap second is the last second of a UTC day.
  const offset = (sign === '-' ? -1 : 1) * (Number(offsetHour) * 60 + Number(offsetMinute));
  const utcMinute = Number(hour) * 60 + Number(minute) - offset;
  return (utcMinute + MINUTES_PER_DAY) % MINUTES_PER_DAY === MINUTES_PER_DAY - 1;
}
