import type { Cleanup } from '../../test/support/cleanup';

/** What every run has at hand. */
export interface BenchContext {
  cleanup: Cleanup;
  /** Aborted when someone has seen enough. */
  signal: AbortSignal;
  /** How far it has come, for the one who waits. */
  log: (line: string) => void;
  /** What came of it. */
  print: (text: string) => void;
}
