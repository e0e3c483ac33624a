import { isColumn, valueSql } from './condition.sql';
import type { SortKey } from './sort.order';
import type { SqlParameters } from './sql.parameters';

/** The number of characters of a text that sorts take into account: a cursor contains them. */
const TEXT_LENGTH = 256;

/** A sort key as SQL. */
export interface OrderTerm {
  readonly expression: string;
  /** A value of the expression as text, from which a cursor restores it exactly. */
  readonly text: (value: string) => string;
  /** What a value of a cursor is cast to. */
  readonly type: 'uuid' | 'timestamptz' | 'numeric' | 'text' | 'boolean';
  readonly nullable: boolean;
  readonly direction: 'asc' | 'desc';
}

/** The terms of an order. Records without a value come last, in both directions. */
export function orderTerms(
  order: readonly SortKey[],
  listId: string | undefined,
  parameters: SqlParameters,
): readonly OrderTerm[] {
  return order.map(({ field, direction }) => {
    const value = valueSql(field, listId, parameters);
    if (field.source === 'id') return { ...term(value, 'uuid', direction), nullable: false };
    if (isColumn(field)) {
      const text = (time: string): string => `format_timestamp(${time})`;
      return { ...term(value, 'timestamptz', direction), text, nullable: false };
    }
    switch (field.comparison) {
      case 'number':
        return term(value, 'numeric', direction);
      case 'date':
        // Exact as a number, and independent of the settings of the session.
        return term(`extract(epoch FROM ${value})`, 'numeric', direction);
      case 'boolean':
        return term(value, 'boolean', direction);
      default:
        return term(`left(${value}, ${TEXT_LENGTH})`, 'text', direction);
    }
  });
}

/** `ORDER BY` of the terms. */
export function orderBySql(terms: readonly OrderTerm[]): string {
  return terms
    .map(({ expression, direction, nullable }) => `${expression} ${direction}${nullable ? ' NULLS LAST' : ''}`)
    .join(', ');
}

/** The condition that a record comes after the one with these sort values. */
export function afterSql(
  terms: readonly OrderTerm[],
  values: readonly (string | null)[],
  parameters: SqlParameters,
): string {
  const [first, ...rest] = terms;
  const [value = null, ...others] = values;
  if (first === undefined) return 'false';
  const [second] = rest;
  if (
    !first.nullable &&
    second !== undefined &&
    !second.nullable &&
    first.direction === second.direction &&
    rest.length === 1
  ) {
    // One condition for the index, not two.
    const sign = first.direction === 'asc' ? '>' : '<';
    const [a, b] = [`${parameters.add(value)}::${first.type}`, `${parameters.add(others[0])}::${second.type}`];
    return `(${first.expression}, ${second.expression}) ${sign} (${a}, ${b})`;
  }
  const later = laterSql(first, value, parameters);
  if (rest.length === 0) return later;
  return `(${later} OR (${equalSql(first, value, parameters)} AND ${afterSql(rest, others, parameters)}))`;
}

function laterSql(
  { expression, type, nullable, direction }: OrderTerm,
  value: string | null,
  parameters: SqlParameters,
): string {
  if (value === null) return 'false';
  const later = `${expression} ${direction === 'asc' ? '>' : '<'} ${parameters.add(value)}::${type}`;
  return nullable ? `(${later} OR ${expression} IS NULL)` : later;
}

function equalSql({ expression, type }: OrderTerm, value: string | null, parameters: SqlParameters): string {
  return value === null ? `${expression} IS NULL` : `${expression} = ${parameters.add(value)}::${type}`;
}

function term(expression: string, type: OrderTerm['type'], direction: OrderTerm['direction']): OrderTerm {
  return { expression, type, direction, nullable: true, text: (value) => `${value}::text` };
}
