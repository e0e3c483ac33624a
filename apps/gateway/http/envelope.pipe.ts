import { Injectable, type PipeTransform, type Type } from '@nestjs/common';
import { plainToInstance } from 'class-transformer';
import { type ValidationError, validateSync } from 'class-validator';
import { type FieldError, ProblemException } from '#libs/problems';

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
@Injectable()
export class EnvelopePipe<T extends object> implements PipeTransform<unknown, T> {
  constructor(private readonly type: EnvelopeType<T>) {}

  transform(body: unknown): T {
    if (typeof body !== 'object' || body === null || Array.isArray(body)) {
      throw invalid([{ field: '.body', code: 'object', message: 'the body must be a JSON object' }]);
    }
    const given = { ...(body as Record<string, unknown>) }; // an object that is no array has string members
    const opaque = Object.fromEntries(this.type.opaque.map((name) => [name, given[name]]));
    for (const name of this.type.opaque) given[name] = undefined;
    const envelope = Object.assign(plainToInstance(this.type, given), opaque);
    const errors = validateSync(envelope, { whitelist: true, forbidNonWhitelisted: true, forbidUnknownValues: true });
    if (errors.length > 0) throw invalid(errors.flatMap((error) => fieldErrors(error, '.body')));
    return envelope;
  }
}

function invalid(errors: FieldError[]): ProblemException {
  return new ProblemException('invalid_request', errors[0]?.message, { errors });
}

function fieldErrors(error: ValidationError, parent: string): FieldError[] {
  const field = `${parent}.${error.property}`;
  const nested = (error.children ?? []).flatMap((child) => fieldErrors(child, field));
  const own = Object.entries(error.constraints ?? {}).map(([rule, message]) => ({
    field,
    code: codes[rule] ?? rule,
    message: rule === 'whitelistValidation' ? `there is no such field here: ${error.property.slice(0, 64)}` : message,
  }));
  return [...own, ...nested];
}
