import { Operation } from './change.interface';
import { ValidationErrors } from './validation.errors';
import { isObject } from './plain-object';
import { PropertyRule } from './property.rule';

const FORM = '{"_op": "append" | "remove", "values": [...]}';

/** The most values that one operator takes: Postgres compares each with the elements of the record. */
export const MAX_OPERATOR_VALUES = 1_000;

/** An object with `_op` is always meant as an operator: to store it as a value would lose what the caller wanted. */
export function isOperator(value: unknown): value is Record<string, unknown> {
  return isObject(value) && Object.hasOwn(value, '_op');
}

/** What the operator does, or null if it is malformed or the property takes none; then `errors` says why. */
export function operationOf(
  operator: Record<string, unknown>,
  rule: PropertyRule,
  errors: ValidationErrors,
): Operation | null {
  if (!rule.multi) return refuse(errors, 'takes no operator: _op is for properties that hold several values');
  const op = operator._op;
  if (op !== 'append' && op !== 'remove') return refuse(errors, 'must be "append" or "remove"', '_op');
  if (!Array.isArray(operator.values)) return refuse(errors, `must be an array, as in ${FORM}`, 'values');
  if (operator.values.length > MAX_OPERATOR_VALUES) {
    return refuse(errors, `must have at most ${MAX_OPERATOR_VALUES} elements; use several operators`, 'values');
  }
  if (Object.keys(operator).length > 2) return refuse(errors, `must have no keys but those of ${FORM}`);

  errors.enter('values');
  const values = rule.check(operator.values, errors);
  errors.leave();
  if (!Array.isArray(values)) return null;
  return rule.required ? { op, values, required: true } : { op, values };
}

function refuse(errors: ValidationErrors, message: string, below?: string): null {
  return errors.refuse('invalid_property', message, below);
}
