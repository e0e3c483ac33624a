import type { Type } from '@nestjs/common';
import { getMetadataStorage, type ValidationError, validateSync } from 'class-validator';
import { type FieldError, fieldSegment, MAX_FIELD_ERRORS, RequestError } from '#libs/errors';
import { isObject } from '#libs/json';

/**
 * The class of the outer structure of a request body. Its members are those with a class-validator rule. Their content (items,
 * blocks) is validated elsewhere.
 */
export interface EnvelopeType<T extends object> extends Type<T> {
  /** Members that are envelopes themselves, by name. Such a member may be left out or null. */
  readonly nested?: Readonly<Record<string, EnvelopeType<object>>>;
}

/** The `errors[].code` of each rule of class-validator. */
const RULE_CODES: Readonly<Record<string, string>> = {
  isArray: 'array',
  arrayMinSize: 'min_items',
  arrayMaxSize: 'max_items',
  isObject: 'object',
  isBoolean: 'boolean',
  isIn: 'enum',
  isInt: 'integer',
  isString: 'string',
};

/**
 * Checks a body against its envelope class, in time proportional to the number of its members.
 *
 * class-transformer is not used: its handling of keys takes quadratic time, and nothing here needs transforming.
 * class-validator sees the known members only.
 *
 * @param field the path of the object; by default the whole body
 * @throws RequestError `invalid_request` that names the wrong fields
 */
export function checkedEnvelope<T extends object>(type: EnvelopeType<T>, body: unknown, field = '.body'): T {
  const errors: FieldError[] = [];
  const what = field === '.body' ? 'the body' : field.replace(/^\.body\./, '');
  const envelope = readEnvelope(type, body, field, `${what} must be a JSON object`, errors);
  if (envelope === undefined || errors.length > 0) throw invalidBody(errors);
  return envelope;
}

/**
 * Checks the body of an operation that takes none: it is empty, or an object without members.
 *
 * @throws RequestError `invalid_request`
 */
export function checkNoContent(body: unknown): void {
  if (body === undefined) return;
  if (!isObject(body)) throw invalidBody([{ field: '.body', code: 'object', message: 'the body must be empty or {}' }]);
  const errors = Object.keys(body)
    .slice(0, MAX_FIELD_ERRORS)
    .map((name) => ({ field: `.body${fieldSegment(name)}`, code: 'unknown_field', message: unknownField(name) }));
  if (errors.length > 0) throw invalidBody(errors);
}

function invalidBody(errors: FieldError[]): RequestError {
  return new RequestError('invalid_request', errors[0]?.message, { errors });
}

/** The envelope with its known members; undefined if `value` is not an object. Adds its validation errors to `errors`. */
function readEnvelope<T extends object>(
  type: EnvelopeType<T>,
  value: unknown,
  field: string,
  notAnObject: string,
  errors: FieldError[],
): T | undefined {
  if (!isObject(value)) {
    errors.push({ field, code: 'object', message: notAnObject });
    return undefined;
  }
  const known = memberNames(type);
  const members: Record<string, unknown> = {};
  for (const name of Object.keys(value)) {
    const member = value[name];
    const nested = Object.hasOwn(type.nested ?? {}, name) ? type.nested?.[name] : undefined;
    const path = field + fieldSegment(name);
    if (!known.has(name)) errors.push({ field: path, code: 'unknown_field', message: unknownField(name) });
    else if (nested === undefined || member === undefined || member === null) members[name] = member;
    else members[name] = readEnvelope(nested, member, path, `${name} must be an object`, errors);
    if (errors.length >= MAX_FIELD_ERRORS) break;
  }
  const envelope = Object.assign(new type(), members);
  errors.push(...validateSync(envelope).flatMap((error) => fieldErrors(error, field)));
  return envelope;
}

const namesByType = new WeakMap<object, ReadonlySet<string>>();

/** The members that an envelope class has rules for. */
function memberNames(type: EnvelopeType<object>): ReadonlySet<string> {
  let names = namesByType.get(type);
  if (names === undefined) {
    const rules = getMetadataStorage().getTargetValidationMetadatas(type, '', false, false);
    namesByType.set(type, (names = new Set(rules.map(({ propertyName }) => propertyName))));
  }
  return names;
}

function unknownField(name: string): string {
  return `there is no such field here: ${name.slice(0, 64).toWellFormed()}`;
}

/** The error of the first rule that each member breaks: a value that is not an array has no length to check. */
function fieldErrors({ property, constraints }: ValidationError, parent: string): FieldError[] {
  return Object.entries(constraints ?? {})
    .slice(0, 1)
    .map(([rule, message]) => ({ field: parent + fieldSegment(property), code: RULE_CODES[rule] ?? rule, message }));
}
