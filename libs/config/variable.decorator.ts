import type { VariableType, VariableValue } from './variable.type';

interface VariableOptions<T extends VariableValue = VariableValue> {
  /** The section of the reference. */
  readonly group: string;
  readonly description: string;
  readonly type: VariableType<T>;
  readonly default?: Extract<T, string | number>;
  /** The process does not start without a value. */
  readonly required?: true;
  /** May contain a password. No message contains the value. */
  readonly secret?: true;
}

/** An environment variable and the setting that it sets. */
export interface SettingVariable extends VariableOptions {
  /** The name in the environment, such as `BODY_LIMIT_BYTES`. */
  readonly name: string;
  /** The property of `Settings`, such as `bodyLimitBytes`. */
  readonly property: string;
}

const declared: SettingVariable[] = [];

/** Every variable, in the order of declaration. */
export function settingVariables(): readonly SettingVariable[] {
  return declared;
}

/** Declares that a property of `Settings` is read from the environment variable of the same name: `logLevel` from `LOG_LEVEL`. */
export function Variable<T extends VariableValue>(options: VariableOptions<T>) {
  return <K extends string>(_settings: Partial<Record<K, T>>, property: K): void => {
    const name = property.replace(/[A-Z]/g, (capital) => `_${capital}`).toUpperCase();
    declared.push({ ...options, name, property });
  };
}
