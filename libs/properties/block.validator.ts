import { isObject, type Json } from '#libs/json';
import type { BlockChange, IncrementOperation, PropertyOperation, SetOperation } from './item.change';
import { isStorableKey } from './json.check';
import type { PropertyDefinition } from './property-definition';
import { ANY_VALUE, type PropertyRule, ruleOf } from './property.rule';
import type { ValidationErrors } from './validation.errors';

/** How undefined properties are treated: as an error, or stored unchanged. */
export type UnknownProperties = 'reject' | 'accept';

const OPERATOR_FORM = '{"_op": "append" | "remove", "values": [...]}';
const INCREMENT_FORM = '{"_op": "increment", "by": <number>}';

/** The maximum number of values in one operator: Postgres compares each with the elements of the record. */
export const MAX_OPERATOR_VALUES = 1_000;

/** Validates one block of properties: `default`, or the block of one list. */
export class BlockValidator {
  private readonly rules = new Map<string, PropertyRule>();
  private readonly required: readonly string[];

  /**
   * @param definitions of this block; the first of several with the same slug applies
   * @param unknown how other slugs are treated
   * @param owner what has these properties, for error messages
   */
  constructor(
    definitions: readonly PropertyDefinition[],
    private readonly unknown: UnknownProperties,
    private readonly owner: string,
  ) {
    for (const definition of definitions) {
      if (!this.rules.has(definition.slug)) this.rules.set(definition.slug, ruleOf(definition));
    }
    this.required = [...this.rules].filter(([, rule]) => rule.required).map(([slug]) => slug);
  }

  /** The change of an existing record's block; incomplete if it added errors. */
  patch(block: Record<string, unknown>, errors: ValidationErrors): BlockChange {
    const change: BlockChange = { set: null, clear: null, ops: null };
    for (const slug of Object.keys(block)) {
      if (errors.full) break;
      errors.enter(slug);
      const rule = this.rules.get(slug) ?? this.ruleOfUnknownSlug(slug, errors);
      if (rule !== null) addChange(change, slug, block[slug], rule, errors);
      errors.leave();
    }
    return change;
  }

  /**
   * The content of a new record's block: only `set`, because a new record has nothing to clear or remove. Adds an error for
   * each missing required property.
   */
  create(block: Record<string, unknown>, errors: ValidationErrors): BlockChange {
    const { set, ops } = this.patch(block, errors);
    let content = set;
    for (const [slug, operation] of Object.entries(ops ?? {})) {
      const value = initialValueOf(operation);
      if (value !== undefined) (content ??= {})[slug] = value;
      else if (operation.op !== 'increment' && operation.required === true) addRequired(errors, slug);
    }
    for (const slug of this.required) {
      if (!Object.hasOwn(block, slug)) addRequired(errors, slug);
    }
    return { set: content, clear: null, ops: null };
  }

  private ruleOfUnknownSlug(slug: string, errors: ValidationErrors): PropertyRule | null {
    if (this.unknown === 'accept') return isStorableKey(slug, errors) ? ANY_VALUE : null;
    const suggestion = errors.suggestions.of(slug, this.rules);
    const hint = suggestion === undefined ? 'GET .../properties lists them' : `did you mean ${suggestion}?`;
    return errors.add('unknown_property', `is not a property of ${this.owner}; ${hint}`);
  }
}

/** Validates one value and adds its effect to `change`. */
function addChange(
  change: BlockChange,
  slug: string,
  value: unknown,
  rule: PropertyRule,
  errors: ValidationErrors,
): void {
  if (rule.readOnlyReason !== undefined) {
    errors.add('invalid_property', rule.readOnlyReason);
  } else if (value === null) {
    if (rule.required) errors.add('required_property', 'is required: it cannot be null');
    else (change.clear ??= []).push(slug);
  } else if (hasOperator(value)) {
    const operation = operationOf(value, rule, errors);
    if (operation !== null) (change.ops ??= {})[slug] = operation;
  } else {
    const checked = rule.check(value, errors);
    if (checked === null) return;
    if (rule.required && isBlank(checked)) errors.add('required_property', 'is required: it cannot be blank');
    else (change.set ??= {})[slug] = checked;
  }
}

/** Whether a value is an operator. Any object with `_op` is one: storing it as a value would lose the client's intent. */
function hasOperator(value: unknown): value is Record<string, unknown> {
  return isObject(value) && Object.hasOwn(value, '_op');
}

/** The value that an operation gives to a property without one; undefined: none. */
function initialValueOf(operation: PropertyOperation): Json | undefined {
  if (operation.op === 'increment') return operation.by;
  if (operation.op === 'remove') return undefined;
  return operation.required === true && operation.values.length === 0 ? undefined : operation.values;
}

/** The operation of an operator; null, after adding the error, if it is malformed or the property takes none. */
function operationOf(
  operator: Record<string, unknown>,
  rule: PropertyRule,
  errors: ValidationErrors,
): PropertyOperation | null {
  if (rule.numeric) return incrementOf(operator, rule, errors);
  if (rule.multi) return setOperationOf(operator, rule, errors);
  return errors.add(
    'invalid_property',
    'takes no operator: _op is for numbers, and for properties that hold several values',
  );
}

function incrementOf(
  operator: Record<string, unknown>,
  rule: PropertyRule,
  errors: ValidationErrors,
): IncrementOperation | null {
  if (operator._op !== 'increment') return errors.add('invalid_property', 'must be "increment"', '_op');
  if (Object.keys(operator).some((key) => key !== '_op' && key !== 'by')) {
    return errors.add('invalid_property', `must have no other keys than ${INCREMENT_FORM}`);
  }
  const { field } = errors;
  errors.enter('by');
  const by = rule.check(operator.by, errors);
  errors.leave();
  return typeof by === 'number' ? { op: 'increment', by, field } : null;
}

function setOperationOf(
  operator: Record<string, unknown>,
  rule: PropertyRule,
  errors: ValidationErrors,
): SetOperation | null {
  const reject = (message: string, below?: string): null => errors.add('invalid_property', message, below);
  const op = operator._op;
  if (op !== 'append' && op !== 'remove') return reject('must be "append" or "remove"', '_op');
  if (!Array.isArray(operator.values)) return reject(`must be an array, as in ${OPERATOR_FORM}`, 'values');
  if (operator.values.length > MAX_OPERATOR_VALUES) {
    return reject(`must have at most ${MAX_OPERATOR_VALUES} elements; use several operators`, 'values');
  }
  if (Object.keys(operator).length > 2) return reject(`must have no other keys than ${OPERATOR_FORM}`);

  errors.enter('values');
  const values = rule.check(operator.values, errors);
  errors.leave();
  if (!Array.isArray(values)) return null;
  return rule.required ? { op, values, required: true } : { op, values };
}

/** Whether a value is white space only, or a list without elements. */
function isBlank(value: Json): boolean {
  if (typeof value === 'string') return value.trim() === '';
  return Array.isArray(value) && value.length === 0;
}

function addRequired(errors: ValidationErrors, slug: string): void {
  errors.add('required_property', 'is required', slug);
}
