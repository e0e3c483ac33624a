import { isObject, parseUuid } from '#libs/json';
import { isReference, type Operand, operandOf, optionSlugOf, textOperandOf } from '#libs/properties';
import { type Comparator, type Condition, OPERATORS, type Operator } from './condition';
import { invalidQuery } from './query.error';
import { pathBelow, type QueryField, type QueryFields } from './query.fields';

/** Each condition is evaluated for each record that an index does not exclude. */
const MAX_CONDITIONS = 100;
/** The maximum depth of nested `AND` and `OR`. */
const MAX_DEPTH = 5;
/** The maximum number of values in `in`, `not_in` and `contains`. */
const MAX_VALUES = 1_000;
/** The maximum number of values in all conditions of a filter together. Each record may be compared with all of them. */
const MAX_FILTER_VALUES = 2_000;
/** The maximum length of a part in `contains`: the time to search a text grows with it, up to 0.3 s for the longest text. */
const MAX_PART_LENGTH = 1_000;

const GROUPS: ReadonlyMap<string, 'all' | 'any'> = new Map([
  ['AND', 'all'],
  ['OR', 'any'],
]);
const KNOWN_OPERATORS: ReadonlySet<string> = new Set(OPERATORS);

interface Meaning {
  readonly comparator: Comparator;
  readonly negated?: true;
}

const MEANINGS: Readonly<Record<Operator, Meaning>> = {
  '=': { comparator: 'equal' },
  '!=': { comparator: 'equal', negated: true },
  '<': { comparator: 'less' },
  '>': { comparator: 'greater' },
  '<=': { comparator: 'less_or_equal' },
  '>=': { comparator: 'greater_or_equal' },
  contains: { comparator: 'contains' },
  begins_with: { comparator: 'begins_with' },
  ends_with: { comparator: 'ends_with' },
  not_contains: { comparator: 'contains', negated: true },
  exists: { comparator: 'present' },
  not_exists: { comparator: 'present', negated: true },
  is_null: { comparator: 'present', negated: true },
  is_not_null: { comparator: 'present' },
  between: { comparator: 'between' },
  in: { comparator: 'equal' },
  not_in: { comparator: 'equal', negated: true },
};

/** Operators with a list of values. Others take one value, `contains` takes either. */
const TAKES_LIST: ReadonlySet<Operator> = new Set(['in', 'not_in', 'between']);

/**
 * Reads filters: `[{ slug: { operator: value } }]`, in which `{ "AND": [...] }` and `{ "OR": [...] }` group further conditions.
 * Several members of one object must all hold.
 */
export class FilterParser {
  private conditionCount = 0;
  private valueCount = 0;

  constructor(private readonly fields: QueryFields) {}

  /**
   * Parses a filter.
   *
   * @param group how the elements of `list` are combined
   * @throws RequestError `invalid_request` for the first part that is not valid
   */
  parse(list: unknown, group: 'all' | 'any', path: string): Condition {
    return this.parseGroup(list, group, path, 0);
  }

  /** Parses one comparison. @throws RequestError `invalid_request` */
  parseComparison(field: QueryField, operator: string, value: unknown, path: string): Condition {
    if (!isOperator(operator)) {
      throw invalidQuery(path, 'unknown_operator', `must be an operator: ${OPERATORS.join(' ')}`);
    }
    this.conditionCount += 1;
    if (this.conditionCount > MAX_CONDITIONS) {
      throw invalidQuery(
        path,
        'max_items',
        `exceeds ${MAX_CONDITIONS} conditions in one filter; use in for many values`,
      );
    }
    const { comparator, negated = false } = MEANINGS[operator];
    if (comparator === 'present') {
      // `exists: false` means `not_exists`.
      return { field, comparator, operands: [], negated: negated === booleanOperand(value, path) };
    }
    checkApplicable(field, operator, comparator, path);
    this.valueCount += Array.isArray(value) ? value.length : 1;
    if (this.valueCount > MAX_FILTER_VALUES) {
      throw invalidQuery(
        path,
        'max_items',
        `exceeds ${MAX_FILTER_VALUES} values in one filter; divide the values among several queries`,
      );
    }
    return { field, comparator, operands: operandsOf(field, operator, comparator, value, path), negated };
  }

  private parseGroup(list: unknown, group: 'all' | 'any', path: string, depth: number): Condition {
    if (!Array.isArray(list)) throw invalidQuery(path, 'array', 'must be an array of conditions');
    if (depth > MAX_DEPTH)
      throw invalidQuery(path, 'max_depth', `must not nest AND and OR deeper than ${MAX_DEPTH} levels`);
    if (list.length > MAX_CONDITIONS) {
      throw invalidQuery(path, 'max_items', `must have at most ${MAX_CONDITIONS} conditions; use in for many values`);
    }
    if (list.length === 0 && depth > 0) throw invalidQuery(path, 'min_items', 'must have at least one condition');
    const conditions = list.map((element: unknown, index) => this.parseElement(element, pathBelow(path, index), depth));
    // An OR of nothing matches nothing, but a query without conditions has no filter.
    return group === 'any' && conditions.length > 0 ? { any: conditions } : { all: conditions };
  }

  private parseElement(element: unknown, path: string, depth: number): Condition {
    const all = membersOf(element, path, 'as {"name": {"=": "Acme"}}').flatMap(([key, value]) => {
      const at = pathBelow(path, key);
      const group = GROUPS.get(key);
      if (group !== undefined) return [this.parseGroup(value, group, at, depth + 1)];
      const field = this.fields.get(key, at);
      return membersOf(value, at, 'of operators and values, as {"=": "Acme"}').map(([operator, operand]) =>
        this.parseComparison(field, operator, operand, pathBelow(at, operator)),
      );
    });
    return all.length === 1 && all[0] !== undefined ? all[0] : { all };
  }
}

/** The members of an object that must have at least one. */
function membersOf(value: unknown, path: string, form: string): [string, unknown][] {
  if (!isObject(value)) throw invalidQuery(path, 'object', `must be an object ${form}`);
  const keys = Object.keys(value);
  if (keys.length === 0) throw invalidQuery(path, 'min_items', `must not be empty: it is an object ${form}`);
  if (keys.length > MAX_CONDITIONS) {
    throw invalidQuery(path, 'max_items', `must have at most ${MAX_CONDITIONS} members`);
  }
  return keys.map((key) => [key, value[key]]);
}

function isOperator(text: string): text is Operator {
  return KNOWN_OPERATORS.has(text);
}

/** The operand of `exists`, `is_null` and their opposites. The SDKs declare it as a boolean, a string or a list. */
function booleanOperand(value: unknown, path: string): boolean {
  if (value === false || value === 'false') return false;
  if (value === true || value === 'true' || value === '' || (Array.isArray(value) && value.length === 0)) return true;
  throw invalidQuery(path, 'invalid_property', 'must be true or false');
}

function checkApplicable(
  { comparison, multi, source, definition }: QueryField,
  operator: Operator,
  comparator: Comparator,
  path: string,
): void {
  if (comparator === 'equal') return;
  const isId = source === 'id' || (definition !== undefined && isReference(definition));
  const isText = comparison === 'text' && !isId;
  const applicable =
    comparator === 'contains'
      ? isText || multi
      : comparator === 'begins_with' || comparator === 'ends_with'
        ? isText
        : !multi && !isId && comparison !== 'boolean' && comparison !== 'json';
  if (applicable) return;
  const type = definition?.type ?? 'id';
  throw invalidQuery(
    path,
    'operator_not_applicable',
    `does not apply to a property of type ${type}: ${operator} compares ${COMPARABLE_VALUES[comparator]}`,
  );
}

/** The values that each comparator applies to, for error messages. */
const COMPARABLE_VALUES: Readonly<Record<Comparator, string>> = {
  equal: 'equality',
  less: 'texts, numbers and dates',
  less_or_equal: 'texts, numbers and dates',
  greater: 'texts, numbers and dates',
  greater_or_equal: 'texts, numbers and dates',
  between: 'texts, numbers and dates',
  contains: 'texts, and the elements of properties with several values',
  begins_with: 'texts',
  ends_with: 'texts',
  present: 'any value',
};

function operandsOf(
  field: QueryField,
  operator: Operator,
  comparator: Comparator,
  value: unknown,
  path: string,
): readonly Operand[] {
  const isList = Array.isArray(value);
  if (!isList) {
    if (TAKES_LIST.has(operator)) throw invalidQuery(path, 'array', listRule(operator));
    return [operandAt(field, comparator, value, path)];
  }
  if (!TAKES_LIST.has(operator) && operator !== 'contains') {
    throw invalidQuery(path, 'invalid_property', 'must be one value; use in for several');
  }
  if (value.length === 0) throw invalidQuery(path, 'min_items', 'must have at least one value');
  if (operator === 'between' && value.length !== 2) throw invalidQuery(path, 'array', listRule(operator));
  if (value.length > MAX_VALUES) throw invalidQuery(path, 'max_items', `must have at most ${MAX_VALUES} values`);
  return value.map((each: unknown, index) => operandAt(field, comparator, each, pathBelow(path, index)));
}

function listRule(operator: Operator): string {
  return operator === 'between' ? 'must be an array of two values, both inclusive' : 'must be an array of values';
}

function operandAt({ definition, multi }: QueryField, comparator: Comparator, value: unknown, path: string): Operand {
  if (value === null) throw invalidQuery(path, 'invalid_property', 'must not be null: use is_null or is_not_null');
  if (definition === undefined) {
    const id = parseUuid(value);
    if (id === undefined) throw invalidQuery(path, 'uuid', 'must be a record id (UUID)');
    return id;
  }
  const isPart = comparator === 'begins_with' || comparator === 'ends_with' || (comparator === 'contains' && !multi);
  const result = isPart ? textOperandOf(value) : operandOf(definition, value);
  if ('rule' in result) throw invalidQuery(path, result.code, result.rule);
  const { operand } = result;
  if (comparator === 'contains' && !multi && String(operand).length > MAX_PART_LENGTH) {
    throw invalidQuery(
      path,
      'invalid_property',
      `must have at most ${MAX_PART_LENGTH} characters; use = for a whole text`,
    );
  }
  // The id of an option stands for its slug, even where any part of a slug is valid.
  return isPart && typeof operand === 'string' ? (optionSlugOf(definition.options, operand) ?? operand) : operand;
}
