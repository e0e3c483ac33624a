import { invalidField, type RequestError } from '#libs/errors';

/** The code of an error of a query, in the list of field errors. */
export type QueryErrorCode =
  | 'unknown_property'
  | 'unknown_option'
  | 'unknown_operator'
  | 'operator_not_applicable'
  | 'invalid_property'
  | 'object'
  | 'array'
  | 'enum'
  | 'read_only'
  | 'uuid'
  | 'min_items'
  | 'max_items'
  | 'max_depth'
  | 'string'
  | 'positive_integer'
  | 'duplicate'
  | 'query_timeout'
  | 'cursor';

/**
 * The error of an invalid query.
 *
 * @param field the path of the invalid part, such as `.body.query.filter[0].name`
 * @param rule the end of the message: what the part must be, and how to correct it
 */
export function invalidQuery(field: string, code: QueryErrorCode, rule: string): RequestError {
  return invalidField(field, code, `${field.replace(/^\.(body|path|query)\./, '')} ${rule}`);
}
