export type Rule =
  /** An answer that no careful caller should ever get. */
  | 'unexpected-answer'
  /** No answer at all, long after everything was whole again. */
  | 'never-answered'
  /** Two answers to one key differ. */
  | 'replay-differs'
  /** An item's outcome is not one that it could have. */
  | 'impossible-outcome'
  /** What callers were told and what the ledger holds differ. */
  | 'ledger-differs'
  /** Something acknowledged is not there. */
  | 'lost'
  /** Something happened more often than it was asked for. */
  | 'doubled'
  /** A value, or an order of values, that nobody can have seen. */
  | 'out-of-order'
  /** A server process did what no fault accounts for. */
  | 'process';

/** A promise that was not kept, with what is needed to look into it. */
export interface Violation {
  rule: Rule;
  message: string;
  key?: string;
  /** From 1. */
  item?: number;
  record?: string;
}
