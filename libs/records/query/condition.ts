import type { Operand } from '#libs/properties';
import type { QueryField } from './query.fields';

export const OPERATORS = [
  '=',
  '!=',
  '<',
  '>',
  '<=',
  '>=',
  'contains',
  'begins_with',
  'ends_with',
  'not_contains',
  'exists',
  'not_exists',
  'is_null',
  'is_not_null',
  'between',
  'in',
  'not_in',
] as const;
export type Operator = (typeof OPERATORS)[number];

/**
 * What the 17 operators mean. Each negative one is the exact opposite of its positive one, so it also matches records without a
 * value: `!=` is not `equal`.
 */
export type Comparator =
  | 'equal'
  | 'less'
  | 'less_or_equal'
  | 'greater'
  | 'greater_or_equal'
  | 'between'
  | 'contains'
  | 'begins_with'
  | 'ends_with'
  | 'present';

/** One comparison of a property. */
export interface PropertyCondition {
  readonly field: QueryField;
  readonly comparator: Comparator;
  /** `equal`: one of them; `contains`: all of them; `between`: both bounds; `present`: none; otherwise one. */
  readonly operands: readonly Operand[];
  readonly negated: boolean;
}

/** A filter as a tree: a comparison, or several conditions of which all or any must hold. */
export type Condition =
  PropertyCondition | { readonly all: readonly Condition[] } | { readonly any: readonly Condition[] };

/** The condition that every record meets. */
export const EVERY_RECORD: Condition = { all: [] };

/** Whether every record meets the condition, as that of an empty filter. */
export function isEveryRecord(condition: Condition): boolean {
  return 'all' in condition && condition.all.every(isEveryRecord);
}

/** All comparisons of a condition. */
export function comparisonsOf(condition: Condition): readonly PropertyCondition[] {
  if ('all' in condition) return condition.all.flatMap(comparisonsOf);
  if ('any' in condition) return condition.any.flatMap(comparisonsOf);
  return [condition];
}

/** The condition in a canonical form: equal conditions have the same JSON. */
export function canonicalOf(condition: Condition): unknown {
  if ('all' in condition) return { all: condition.all.map(canonicalOf) };
  if ('any' in condition) return { any: condition.any.map(canonicalOf) };
  const { field, comparator, operands, negated } = condition;
  return [field.source, field.slug, field.comparison, comparator, operands, negated];
}
