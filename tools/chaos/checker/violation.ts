/** How a guarantee can be violated. */
export type Rule =
  /** A response that a caller that retries correctly must never get. */
  | 'unexpected-response'
  /** No final response, long after every fault was repaired. */
  | 'no-response'
  /** Two responses to one key differ. */
  | 'replay-differs'
  /** An item has an outcome that is not possible for it. */
  | 'impossible-outcome'
  /** Responses and ledger differ. */
  | 'ledger-differs'
  /** An acknowledged change is missing. */
  | 'lost'
  /** A change was applied more often than requested. */
  | 'duplicated'
  /** A value, or an order of values, that was never current. */
  | 'out-of-order'
  /** A process ended or failed without a fault that explains it. */
  | 'process';

/** A violated guarantee, with what is needed to investigate it. */
export interface Violation {
  rule: Rule;
  message: string;
  key?: string;
  /** From 1. */
  item?: number;
  record?: string;
}
