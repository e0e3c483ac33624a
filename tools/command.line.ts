import { parseArgs, type ParseArgsConfig } from 'node:util';

/** The options of a command line, as `parseArgs` takes them. */
type OptionTypes = NonNullable<ParseArgsConfig['options']>;

/** The types of options: one text, several texts, and a flag. */
export const text = { type: 'string' } as const;
export const texts = { type: 'string', multiple: true } as const;
export const flag = { type: 'boolean' } as const;

/** Invalid command line. */
export class UsageError extends Error {}

/** Ended by a signal. */
export class Interrupted extends Error {}

/** @returns a signal that Ctrl-C, SIGTERM or SIGHUP aborts with {@link Interrupted}; a second one of these exits at once */
export function abortedBySignals(): AbortSignal {
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      if (stop.signal.aborted) process.exit(2);
      stop.abort(new Interrupted(`ended by ${signal}`));
    });
  }
  return stop.signal;
}

/** The values of options on a command line. */
export type OptionValues<T extends OptionTypes> = ReturnType<typeof parseArgs<{ options: T }>>['values'];

/** Reads the options of a command line. @throws UsageError if an option is unknown or has no value */
export function parseOptions<T extends OptionTypes>(args: string[], options: T): OptionValues<T> {
  try {
    return parseArgs({ args, options, strict: true, allowPositionals: false }).values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}
