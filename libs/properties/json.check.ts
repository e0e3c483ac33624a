import { Json } from './change.interface';
import { ValidationErrors } from './validation.errors';

/** Deeper than any request body may be; it bounds the recursion for values that come another way. */
const MAX_DEPTH = 32;

/** Whether the value is JSON that Postgres stores and every client reads back as it was; if not, `errors` says where. */
export function isStorable(value: unknown, errors: ValidationErrors, depth = 0): value is Json {
  switch (typeof value) {
    case 'string':
      return isStorableText(value, errors);
    case 'number':
      return isStorableNumber(value, errors);
    case 'boolean':
      return true;
    case 'object':
      if (value === null) return true;
      if (depth === MAX_DEPTH) return refused(errors, `must not be nested deeper than ${MAX_DEPTH} levels`);
      return Array.isArray(value) ? areStorable(value, errors, depth + 1) : isStorableObject(value, errors, depth + 1);
    default:
      return refused(errors, 'must be a JSON value');
  }
}

/** Postgres refuses NUL in text, and a lone surrogate has no UTF-8. */
export function isStorableText(text: string, errors: ValidationErrors): boolean {
  if (text.includes('\0')) return refused(errors, 'must not contain NUL characters (U+0000)');
  if (!text.isWellFormed()) return refused(errors, 'must be well-formed Unicode: it contains a lone surrogate');
  return true;
}

/**
 * Refuses integers beyond ±(2^53 − 1), of which a double holds only some. The body parser reads a number that a double does
 * not hold exactly as Infinity, so such numbers are refused here as well.
 */
export function isStorableNumber(number: number, errors: ValidationErrors): boolean {
  if (Math.abs(number) <= Number.MAX_SAFE_INTEGER) return true;
  return Number.isFinite(number)
    ? refused(errors, 'must be within ±(2^53 − 1); send larger numbers as strings')
    : refused(errors, 'cannot be stored exactly as a double-precision number; send fewer digits, or send a string');
}

/** A key of an object. `__proto__` is refused because setting it would change what an object is, not what it holds. */
export function isStorableKey(key: string, errors: ValidationErrors): boolean {
  if (key === '__proto__') return refused(errors, 'must not be named __proto__');
  return isStorableText(key, errors);
}

function areStorable(values: readonly unknown[], errors: ValidationErrors, depth: number): boolean {
  let good = true;
  for (let index = 0; index < values.length; index += 1) {
    errors.enter(index);
    if (!isStorable(values[index], errors, depth)) good = false;
    errors.leave();
  }
  return good;
}

function isStorableObject(object: object, errors: ValidationErrors, depth: number): boolean {
  let good = true;
  for (const [key, value] of Object.entries(object)) {
    errors.enter(key);
    if (!isStorableKey(key, errors) || !isStorable(value, errors, depth)) good = false;
    errors.leave();
  }
  return good;
}

function refused(errors: ValidationErrors, message: string): false {
  errors.refuse('invalid_property', message);
  return false;
}
