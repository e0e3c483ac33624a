import { Operation } from './change.interface';
import { ItemFaults } from './item.faults';
import { isObject } from './plain-object';
import { PropertyRule } from './property.rule';

const FORM = '{"_op": "append" | "remove", "values": [...]}';

/** An object with `_op` is always meant as an operator: to store it as a value would lose what the caller wanted. */
export function isOperator(value: unknown): value is Record<string, unknown> {
  return isObject(value) && Object.hasOwn(value, '_op');
}

/** What the operator does, or null if it is malformed or the property takes none; then `faults` says why. */
export function operationOf(
  operator: Record<string, unknown>,
  rule: PropertyRule,
  faults: ItemFaults,
): Operation | null {
  if (!rule.multi) return refuse(faults, 'takes no operator: _op is for properties that hold several values');
  const op = operator._op;
  if (op !== 'append' && op !== 'remove') return refuse(faults, 'must be "append" or "remove"', '_op');
  if (!Array.isArray(operator.values)) return refuse(faults, `must be an array, as in ${FORM}`, 'values');
  if (Object.keys(operator).length > 2) return refuse(faults, `must have no keys but those of ${FORM}`);

  faults.enter('values');
  const values = rule.check(operator.values, faults);
  faults.leave();
  return Array.isArray(values) ? { op, values } : null;
}

function refuse(faults: ItemFaults, message: string, below?: string): null {
  return faults.refuse('invalid_property', message, below);
}
