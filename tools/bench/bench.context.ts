import type { Cleanup } from '../../test/support/cleanup';

/** What every run uses. */
export interface BenchContext {
  cleanup: Cleanup;
  /** Aborted by a signal to the program. */
  signal: AbortSignal;
  /** Prints progress to standard error. */
  log: (line: string) => void;
  /** Prints results to standard output. */
  print: (text: string) => void;
}
