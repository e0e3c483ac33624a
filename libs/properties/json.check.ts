import type { Json } from '#libs/json';
import type { ValidationErrors } from './validation.errors';

/** Deeper than any request body can be; bounds the recursion for other values. */
const MAX_DEPTH = 32;

/** Whether Postgres can store the JSON value and every client reads it back unchanged; adds the errors if not. */
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
      if (depth === MAX_DEPTH) return reject(errors, `must not be nested deeper than ${MAX_DEPTH} levels`);
      return Array.isArray(value) ? areStorable(value, errors, depth + 1) : isStorableObject(value, errors, depth + 1);
    default:
      return reject(errors, 'must be a JSON value');
  }
}

/** Postgres rejects NUL in text, and a lone surrogate has no encoding in UTF-8. */
export function isStorableText(text: string, errors: ValidationErrors): boolean {
  if (text.includes('\0')) return reject(errors, 'must not contain NUL characters (U+0000)');
  if (!text.isWellFormed()) return reject(errors, 'must be well-formed Unicode: it contains a lone surrogate');
  return true;
}

/**
 * Rejects integers beyond ±(2^53 − 1), which a double cannot represent exactly in general. The body parser returns Infinity
 * for a number that a double cannot represent exactly, so such numbers are rejected too.
 */
export function isStorableNumber(number: number, errors: ValidationErrors): boolean {
  if (Math.abs(number) <= Number.MAX_SAFE_INTEGER) return true;
  return Number.isFinite(number)
    ? reject(errors, 'must be within ±(2^53 − 1); send larger numbers as strings')
    : reject(errors, 'cannot be stored exactly as a double-precision number; send fewer digits, or send a string');
}

/** Whether a key of an object can be stored. `__proto__` is rejected because assigning it changes the prototype. */
export function isStorableKey(key: string, errors: ValidationErrors): boolean {
  if (key === '__proto__') return reject(errors, 'must not be named __proto__');
  return isStorableText(key, errors);
}

function areStorable(values: readonly unknown[], errors: ValidationErrors, depth: number): boolean {
  let storable = true;
  for (let index = 0; index < values.length; index += 1) {
    errors.enter(index);
    if (!isStorable(values[index], errors, depth)) storable = false;
    errors.leave();
  }
  return storable;
}

function isStorableObject(object: object, errors: ValidationErrors, depth: number): boolean {
  let storable = true;
  for (const [key, value] of Object.entries(object)) {
    errors.enter(key);
    if (!isStorableKey(key, errors) || !isStorable(value, errors, depth)) storable = false;
    errors.leave();
  }
  return storable;
}

function reject(errors: ValidationErrors, rule: string): false {
  errors.add('invalid_property', rule);
  return false;
}
