import { type PropertyDefinition } from '#libs/properties';
import { FilterParser, invalidQuery, QueryFields, type RecordFilter } from '#libs/records';
import type { RecordTarget } from '../http/target.decorator';

/** The property and value in a path `by/{slug}/{value}`, as they are sent, percent-decoded. */
export interface LookupPath {
  readonly slug: string;
  readonly value: string;
}

/**
 * The filter of the live records whose property has the value of the path. The value is compared as a filter `=` does.
 *
 * @throws RequestError `invalid_request` for a property that is not defined, or a value that does not fit it
 */
export function lookupFilterOf(
  { teamId, objectType }: RecordTarget,
  { slug, value }: LookupPath,
  definitions: readonly PropertyDefinition[],
): RecordFilter {
  const fields = new QueryFields(definitions, undefined);
  const field = fields.get(slug, '.path.slug');
  if (field.definition === undefined) {
    throw invalidQuery(
      '.path.slug',
      'unknown_property',
      `must name a property; GET .../${objectType}/{id} reads by id`,
    );
  }
  const condition = new FilterParser(fields).comparison(field, '=', value, '.path.value');
  return { teamId, objectType, fields, condition, ids: undefined, deleted: false };
}
