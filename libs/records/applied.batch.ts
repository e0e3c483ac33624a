import type { ItemErrorCode } from '#libs/errors';

/** The outcome of one item. */
export interface Outcome {
  /** The entry of the item in the response, as JSON text. */
  entry: string;
  /** The item error code; undefined if the item was applied. */
  code: ItemErrorCode | undefined;
  /** Whether the outcome is from the ledger: another attempt of the same request produced it. */
  replayed: boolean;
  /** Duration of the item's transaction in the database. */
  seconds: number;
}

/** The outcomes of a plan, in the order of its items. */
export interface AppliedBatch {
  /** `replayed`: every outcome is from the ledger. `resumed`: an earlier attempt with the key was interrupted. */
  state: 'executed' | 'resumed' | 'replayed';
  outcomes: Outcome[];
  /** The request id of the attempt that completed a keyed batch; undefined if the batch is not complete. */
  completedBy: string | undefined;
  /** The client disconnected. Items that were not started by then are `not_attempted`, or their outcome is unknown. */
  canceled: boolean;
}
