import { Settings } from './settings';
import { contradictionsOf } from './settings.check';
import { type SettingVariable, settingVariables } from './variable.decorator';
import type { VariableValue } from './variable.type';

/** The environment is not a valid configuration. The message has one line per invalid variable, and no secret. */
export class SettingsError extends Error {
  override readonly name = 'SettingsError';

  constructor(readonly errors: readonly string[]) {
    super(`The configuration is not valid:\n${errors.map((error) => `  ${error}`).join('\n')}`);
  }
}

/**
 * Reads every setting from the environment. An empty variable counts as unset; unknown variables are ignored.
 *
 * @throws SettingsError with every invalid or missing variable
 */
export function readSettings(env: NodeJS.ProcessEnv = process.env): Settings {
  const errors: string[] = [];
  const values: Record<string, VariableValue> = {};
  for (const variable of settingVariables()) {
    const text = env[variable.name];
    const value = text === undefined || text === '' ? variable.default : variable.type.parse(text);
    if (value !== undefined) values[variable.property] = value;
    else if (text) errors.push(invalidMessage(variable, text));
    else if (variable.required) errors.push(missingMessage(variable));
  }
  const settings = Object.assign(new Settings(), values);
  errors.push(...contradictionsOf(settings));
  if (errors.length > 0) throw new SettingsError(errors);
  return Object.freeze(settings);
}

function invalidMessage(variable: SettingVariable, text: string): string {
  const { name, type, secret, required, default: fallback } = variable;
  // A long text may be a secret that was set in the wrong variable.
  const shown = !secret && /^[\w.,+ -]{1,16}$/.test(text) ? `is "${text}"` : 'has a value that is not allowed';
  const unset = fallback === undefined ? 'unset it' : `unset it to use the default, ${fallback}`;
  const remedy = required ? 'Correct it' : `Correct it, or ${unset}`;
  return `${name} ${shown}. Allowed: ${withoutMarkup(type.allowed)}. ${remedy}.`;
}

function missingMessage({ name, type, description }: SettingVariable): string {
  return `${name} is not set. It is required: ${withoutMarkup(description)} Allowed: ${withoutMarkup(type.allowed)}.`;
}

/** Removes the Markdown of a description. */
function withoutMarkup(markdown: string): string {
  return markdown.replaceAll('`', '');
}
