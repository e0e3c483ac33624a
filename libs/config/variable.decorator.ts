import { VariableType } from './variable.type';

/** What a variable can hold. */
export type VariableValue = string | number;

interface VariableSpec<T extends VariableValue = VariableValue> {
  /** The heading it stands under in the reference. */
  readonly group: string;
  readonly description: string;
  readonly type: VariableType<T>;
  /** What an unset variable means; none: see `required`. */
  readonly default?: T;
  /** Without a value the process must not start. */
  readonly required?: true;
  /** May hold a password: no message ever repeats its value. */
  readonly secret?: true;
}

export interface Variable extends VariableSpec {
  /** The name in the environment, e.g. `BODY_LIMIT_BYTES`. */
  readonly name: string;
  /** The property of `Settings`, e.g. `bodyLimitBytes`. */
  readonly property: string;
}

const declared: Variable[] = [];

/** Every variable, in the order of declaration. */
export function variables(): readonly Variable[] {
  return declared;
}

/** Declares a property of `Settings` as read from the environment variable of the same name in capitals: `logLevel` is `LOG_LEVEL`. */
export function Variable<T extends VariableValue>(spec: VariableSpec<T>) {
  return <K extends string>(_settings: Partial<Record<K, T>>, property: K): void => {
    const name = property.replace(/[A-Z]/g, (capital) => `_${capital}`).toUpperCase();
    declared.push({ ...spec, name, property });
  };
}
