import { fieldSegment, invalidField, type RequestError } from '#libs/errors';

/** A query string as Fastify parses it: a repeated parameter has all its values. */
export type QueryParameters = Readonly<Record<string, string | string[]>>;

/** @throws RequestError `invalid_request` that names the first parameter that is not one of `names` */
export function rejectUnknownParameters(query: QueryParameters, names: readonly string[]): void {
  const unknown = Object.keys(query).find((name) => !names.includes(name));
  if (unknown === undefined) return;
  const known = names.length === 0 ? '' : `; there is ${names.join(', ')}`;
  throw invalidParameter(unknown, 'unknown_field', `there is no such parameter here${known}`);
}

/**
 * The value of a parameter that may be given once; undefined without it.
 *
 * @throws RequestError `invalid_request` if it is repeated
 */
export function singleParameter(query: QueryParameters, name: string): string | undefined {
  const value = query[name];
  if (Array.isArray(value)) throw invalidParameter(name, 'single', `${name} must be given once`);
  return value;
}

/** The values of a parameter that may be repeated and have commas; none without it. */
export function commaSeparated(value: string | string[] | undefined): string[] {
  return [value ?? []].flat().flatMap((part) => part.split(','));
}

/** The error of a query parameter. @param code the rule that it breaks */
export function invalidParameter(name: string, code: string, message: string): RequestError {
  return invalidField(`.query${fieldSegment(name)}`, code, message);
}
