import { parseArgs, type ParseArgsOptionsConfig } from 'node:util';

/** Invalid command line. */
export class UsageError extends Error {}

/** The values of options on a command line. */
export type OptionValues<T extends ParseArgsOptionsConfig> = ReturnType<typeof parseArgs<{ options: T }>>['values'];

/** Reads the options of a command line. @throws UsageError if an option is unknown or has no value */
export function parseOptions<T extends ParseArgsOptionsConfig>(args: string[], options: T): OptionValues<T> {
  try {
    return parseArgs({ args, options, strict: true, allowPositionals: false }).values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}
