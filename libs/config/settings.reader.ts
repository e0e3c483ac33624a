import { Settings } from './settings';
import { Variable, variables, VariableValue } from './variable.decorator';

/** The environment does not make valid settings. The message has one line for each bad variable and repeats no secret. */
export class SettingsError extends Error {
  override readonly name = 'SettingsError';

  constructor(readonly errors: readonly string[]) {
    super(`The configuration is not valid:\n${errors.map((error) => `  ${error}`).join('\n')}`);
  }
}

/**
 * Reads every setting from the environment. An empty variable is an unset one; unknown variables are ignored.
 * @throws SettingsError naming every bad or missing variable at once.
 */
export function readSettings(env: NodeJS.ProcessEnv = process.env): Settings {
  const errors: string[] = [];
  const values: Record<string, VariableValue> = {};
  for (const variable of variables()) {
    const text = env[variable.name];
    const value = text === undefined || text === '' ? variable.default : variable.type.parse(text);
    if (value !== undefined) values[variable.property] = value;
    else if (text) errors.push(refusal(variable, text));
    else if (variable.required) errors.push(absence(variable));
  }
  const settings = Object.assign(new Settings(), values);
  if (values.port !== undefined && values.port !== 0 && values.port === values.metricsPort) {
    errors.push(`METRICS_PORT is the same as PORT (${settings.port}). Give the admin port a number of its own.`);
  }
  if (settings.responseLimitBytes < 2 * settings.recordLimitBytes) {
    errors.push(
      `RESPONSE_LIMIT_BYTES is ${settings.responseLimitBytes}. It must be at least twice RECORD_LIMIT_BYTES (${settings.recordLimitBytes}).`,
    );
  }
  if (errors.length > 0) throw new SettingsError(errors);
  return Object.freeze(settings);
}

function refusal({ name, type, secret, required, default: fallback }: Variable, text: string): string {
  // Even in a variable that holds no secret, anything longer than a word may be one that was pasted into the wrong place.
  const shown = !secret && /^[\w.,+ -]{1,16}$/.test(text) ? `is "${text}"` : 'has a value that is not allowed';
  const without = fallback === undefined ? 'to go without' : `for the default, ${fallback}`;
  const mend = required ? 'Correct it' : `Correct it, or unset it ${without}`;
  return `${name} ${shown}. Allowed: ${plain(type.allowed)}. ${mend}.`;
}

function absence({ name, type, description }: Variable): string {
  return `${name} is not set. It is required: ${plain(description)} Allowed: ${plain(type.allowed)}.`;
}

/** Descriptions are markdown; a terminal has no use for the backticks. */
function plain(markdown: string): string {
  return markdown.replaceAll('`', '');
}
