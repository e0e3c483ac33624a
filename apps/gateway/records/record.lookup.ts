import { type Operand, operandOf, type PropertyDefinition } from '#libs/properties';
import { FilterParser, invalidQuery, type Match, matchOf, QueryFields, type RecordFilter } from '#libs/records';
import type { RecordTarget } from '../http/target.decorator';

/** The property and value in a path `by/{slug}/{value}`, as they are sent, percent-decoded. */
export interface LookupPath {
  readonly slug: string;
  readonly value: string;
}

/** What a path `by/{slug}/{value}` means. */
export interface RecordLookup {
  readonly definition: PropertyDefinition;
  /** The value as records have it. */
  readonly operand: Operand;
  /** The live records with the value, compared as a filter `=` does. */
  readonly filter: RecordFilter;
}

/** @throws RequestError `invalid_request` for a property that is not defined, or a value that does not fit it */
export function recordLookupOf(
  { teamId, objectType }: RecordTarget,
  { slug, value }: LookupPath,
  definitions: readonly PropertyDefinition[],
): RecordLookup {
  const fields = new QueryFields(definitions, undefined);
  const field = fields.get(slug, '.path.slug');
  const { definition } = field;
  if (definition === undefined) {
    throw invalidQuery(
      '.path.slug',
      'unknown_property',
      `must name a property; GET .../${objectType}/{id} reads by id`,
    );
  }
  const condition = new FilterParser(fields).parseComparison(field, '=', value, '.path.value');
  const checked = operandOf(definition, value);
  const operand = 'operand' in checked ? checked.operand : value;
  return { definition, operand, filter: { teamId, objectType, fields, condition, ids: undefined, deleted: false } };
}

/**
 * The match of an upsert.
 *
 * @throws RequestError `invalid_request` for a property that a new record cannot get the value of, or that has several values
 */
export function upsertMatchOf({ definition, operand }: RecordLookup): Match {
  const { slug, type, locked } = definition;
  if (locked)
    throw invalidQuery('.path.slug', 'read_only', `must name a property that can be written; ${slug} is read-only`);
  const match = matchOf(definition, operand);
  if (match !== undefined) return match;
  throw invalidQuery(
    '.path.slug',
    'operator_not_applicable',
    `must name a property with one text, number or date, not ${type}`,
  );
}
