import type { Type } from '@nestjs/common';
import { plainToInstance } from 'class-transformer';
import { type ValidationError, validateSync } from 'class-validator';
import { type FieldError, fieldSegment, ProblemException } from '#libs/problems';

/** A request body's outer form. Its items are checked elsewhere, one by one, and are not even walked through here. */
export interface EnvelopeType<T extends object> extends Type<T> {
  /** Members that are taken as they are. */
  readonly opaque: readonly (keyof T & string)[];
}

/** What the rules of class-validator are called in `errors[].code`. */
const codes: Record<string, string> = {
  isArray: 'array',
  arrayMinSize: 'min_items',
  arrayMaxSize: 'max_items',
  isObject: 'object',
  isBoolean: 'boolean',
  isIn: 'enum',
  nestedValidation: 'object',
  whitelistValidation: 'unknown_field',
};

/**
 * Checks a body against its envelope class.
 *
 * @throws ProblemException `invalid_request` that names every wrong field
 */
export function checkedEnvelope<T extends object>(type: EnvelopeType<T>, body: unknown): T {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw invalid([{ field: '.body', code: 'object', message: 'the body must be a JSON object' }]);
  }
  const given = { ...(body as Record<string, unknown>) }; // an object that is no array has string members
  const inherited = inheritedNames(given, '.body');
  if (inherited.length > 0) throw invalid(inherited);
  const opaque = Object.fromEntries(type.opaque.map((name) => [name, given[name]]));
  for (const name of type.opaque) given[name] = undefined;
  const envelope = Object.assign(plainToInstance(type, given), opaque);
  const errors = validateSync(envelope, { whitelist: true, forbidNonWhitelisted: true, forbidUnknownValues: true });
  if (errors.length > 0) throw invalid(errors.flatMap((error) => fieldErrors(error, '.body')));
  return envelope;
}

function invalid(errors: FieldError[]): ProblemException {
  return new ProblemException('invalid_request', errors[0]?.message, { errors });
}

/** Members named like what every object inherits, such as `constructor`: class-validator takes them for known ones. */
function inheritedNames(given: Record<string, unknown>, parent: string): FieldError[] {
  return Object.entries(given).flatMap(([name, value]) => {
    const field = parent + fieldSegment(name);
    if (name in Object.prototype) return [{ field, code: 'unknown_field', message: unknownField(name) }];
    const isEnvelope = parent === '.body' && name === 'options' && typeof value === 'object' && value !== null;
    return isEnvelope ? inheritedNames(value as Record<string, unknown>, field) : []; // an array has no such names either
  });
}

function unknownField(name: string): string {
  return `there is no such field here: ${name.slice(0, 64).toWellFormed()}`;
}

function fieldErrors(error: ValidationError, parent: string): FieldError[] {
  const field = parent + fieldSegment(error.property);
  const nested = (error.children ?? []).flatMap((child) => fieldErrors(child, field));
  // The first rule that a value breaks says it all: what is no array has no length to speak of.
  const own = Object.entries(error.constraints ?? {})
    .slice(0, 1)
    .map(([rule, message]) => ({
      field,
      code: codes[rule] ?? rule,
      message: rule === 'whitelistValidation' ? unknownField(error.property) : message,
    }));
  return [...own, ...nested];
}
