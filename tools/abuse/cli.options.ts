import { flag, parseOptions, text, texts, UsageError } from '../command.line';
import type { Attack } from './attack';
import { attacks } from './attack.catalogue';

export interface Options {
  attacks: readonly Attack[];
  /** How long each attack lasts. */
  seconds: number;
  /** Whether a slow victim fails the run as well. */
  strict: boolean;
  /** Path of the JSON file for the figures. */
  json: string | undefined;
  /** The document whose table is replaced. */
  markdown: string | undefined;
}

const optionTypes = { seconds: text, only: texts, strict: flag, json: text, markdown: text };

export const usage = `npm run abuse -- [--seconds <n>] [--only <name>]... [--strict] [--json <file>] [--markdown <file>]

  --seconds   how long each attack lasts, 1 to 600 (default 20)
  --only      run this attack only; repeat it for several:
${attacks.map(({ name, summary }) => `                ${name}: ${summary}\n`).join('')}
  --strict    exit with 1 even if the victim's p99 is too long
  --json      write the figures to this file
  --markdown  replace the table in this document, between the markers that docs/security.md has
`;

/** @throws UsageError */
export function readOptions(args: string[]): Options {
  const { seconds = '20', only, strict = false, json, markdown } = parseOptions(args, optionTypes);
  if (!/^[1-9]\d{0,2}$/.test(seconds) || Number(seconds) > 600) {
    throw new UsageError(`--seconds must be a whole number from 1 to 600, not ${seconds}`);
  }
  const unknown = only?.find((name) => !attacks.some((attack) => attack.name === name));
  if (unknown !== undefined) throw new UsageError(`--only ${unknown}: there is no such attack`);
  return {
    attacks: attacks.filter(({ name }) => only?.includes(name) ?? true),
    seconds: Number(seconds),
    ...{ strict, json, markdown },
  };
}
