import type { Operand } from '#libs/properties';
import type { PropertyCondition, Condition } from './condition';
import type { QueryField } from './query.fields';
import type { SqlParameters } from './sql.parameters';

const SYMBOLS = { less: '<', less_or_equal: '<=', greater: '>', greater_or_equal: '>=' } as const;

/** The element type of the parameters that values of each kind are compared with. */
const PARAMETER_TYPES = { text: 'text', number: 'numeric', date: 'timestamptz', boolean: 'boolean', json: 'jsonb' };

/**
 * A condition on a record `r` as SQL. All values are parameters.
 *
 * @param listId of the query; undefined if no condition is on a list
 */
export function conditionSql(condition: Condition, listId: string | undefined, parameters: SqlParameters): string {
  if ('all' in condition) return joined(condition.all, 'AND', 'true', listId, parameters);
  if ('any' in condition) return joined(condition.any, 'OR', 'false', listId, parameters);
  const positive = comparisonSql(condition, listId, parameters);
  if (isColumn(condition.field)) return condition.negated ? `NOT (${positive})` : positive;
  // The comparison is NULL for a record without a value: COALESCE makes it false. The planner also estimates half of the records for
  // COALESCE, and so keeps to the order of the index, in which it can stop after one page. For `=` alone it would estimate 0.5%,
  // and read and sort all records.
  return `${condition.negated ? 'NOT ' : ''}COALESCE(${positive}, false)`;
}

/** The value of a field of the record `r`, as the type that it is compared as; NULL if it has none of that type. */
export function valueSql(field: QueryField, listId: string | undefined, parameters: SqlParameters): string {
  if (isColumn(field)) return `r.${field.source}`;
  const json = jsonSql(field, listId, parameters);
  switch (field.comparison) {
    case 'text':
      // Code points have the same order on every server.
      return `((${json} #>> '{}') COLLATE "C")`;
    case 'number':
      return `number_value(${json})`;
    case 'date':
      return `date_value(${json})`;
    case 'boolean':
      return `boolean_value(${json})`;
    case 'json':
      return json;
  }
}

/** Whether the field is a column of `records`: `id`, `created_at` or `updated_at`, which are never NULL. */
export function isColumn({ source }: QueryField): boolean {
  return source !== 'default' && source !== 'list';
}

function joined(
  conditions: readonly Condition[],
  word: 'AND' | 'OR',
  empty: string,
  listId: string | undefined,
  parameters: SqlParameters,
): string {
  if (conditions.length === 0) return empty;
  return `(${conditions.map((each) => conditionSql(each, listId, parameters)).join(` ${word} `)})`;
}

function comparisonSql(condition: PropertyCondition, listId: string | undefined, parameters: SqlParameters): string {
  const { field, comparator, operands } = condition;
  if (comparator === 'present')
    return isColumn(field) ? 'true' : `(${jsonSql(field, listId, parameters)} #>> '{}') IS NOT NULL`;
  if (field.multi) return elementsSql(condition, jsonSql(field, listId, parameters), parameters);
  const value = valueSql(field, listId, parameters);
  const type = field.source === 'id' ? 'uuid' : PARAMETER_TYPES[field.comparison];
  const [first, second] = operands.map((operand) => parameterOf(field, operand));
  const parameter = (operand: unknown): string => `${parameters.add(operand)}::${type}`;
  switch (comparator) {
    case 'equal':
      if (operands.length === 1) return `${value} = ${parameter(first)}`;
      return `${value} = ANY (${parameters.add(operands.map((operand) => parameterOf(field, operand)))}::text[]::${type}[])`;
    case 'between':
      return `(${value} >= ${parameter(first)} AND ${value} <= ${parameter(second)})`;
    case 'contains':
      return eachOperandSql('all', value, 'strpos(value.content, operand) > 0', parameters.add(operands));
    case 'begins_with':
      return `starts_with(${value}, ${parameter(first)})`;
    case 'ends_with': {
      const end = parameter(first);
      return `right(${value}, length(${end})) = ${end}`;
    }
    default:
      return `${value} ${SYMBOLS[comparator]} ${parameter(first)}`;
  }
}

/** A condition on the elements of a list. One element has to meet it, or for `contains` each operand has to be one. */
function elementsSql({ comparator, operands }: PropertyCondition, json: string, parameters: SqlParameters): string {
  if (comparator === 'equal') return eachOperandSql('any', json, 'value.content ? operand', parameters.add(operands));
  if (comparator === 'contains')
    return eachOperandSql('all', json, 'value.content ? operand', parameters.add(operands));
  const part = `${parameters.add(operands[0])}::text`;
  const test =
    comparator === 'begins_with' ? `starts_with(element, ${part})` : `right(element, length(${part})) = ${part}`;
  const elements = `CASE WHEN jsonb_typeof(${json}) = 'array' THEN ${json} ELSE '[]' END`;
  return `EXISTS (SELECT FROM jsonb_array_elements_text(${elements}) AS element WHERE ${test})`;
}

/**
 * The condition that a value meets a test with any or all of the operands. It reads the value once: a long one is decompressed each
 * time it is read, and Postgres frees that memory only after the record. It can be canceled after each operand, unlike a chain of
 * `AND`, or `?|` and `?&`.
 *
 * @param test of `value.content` and `operand`
 * @param operands the placeholder of all operands
 */
function eachOperandSql(quantifier: 'any' | 'all', value: string, test: string, operands: string): string {
  const [exists, where] = quantifier === 'any' ? ['EXISTS', test] : ['NOT EXISTS', `NOT COALESCE(${test}, false)`];
  return `${exists} (WITH value AS MATERIALIZED (SELECT ${value} AS content) SELECT FROM value, unnest(${operands}::text[]) AS operand WHERE ${where})`;
}

function jsonSql({ slug, source }: QueryField, listId: string | undefined, parameters: SqlParameters): string {
  const block = source === 'list' ? `r.list -> ${parameters.text(listId ?? '')}` : 'r.properties';
  return `(${block} -> ${parameters.text(slug)})`;
}

/** What the driver sends. A date without a time is midnight in UTC, whatever the time zone of the server. */
function parameterOf({ comparison }: QueryField, operand: Operand): unknown {
  if (comparison === 'json') return JSON.stringify(operand);
  if (comparison === 'date') return String(operand).length === 10 ? `${String(operand)}T00:00:00Z` : operand;
  return operand;
}
