import type { ItemErrorCode } from '#libs/errors';

/** What became of one item. */
export interface Outcome {
  /** The answer's entry for the item, as JSON text. */
  entry: string;
  /** Undefined: applied. */
  code: ItemErrorCode | undefined;
  /** Taken from the ledger: an earlier or simultaneous attempt made it happen. */
  replayed: boolean;
  /** How long the item's transaction took in the database. */
  seconds: number;
}

/** What became of a plan; outcomes stand in request order. */
export interface AppliedBatch {
  /** `replayed`: every outcome is from the ledger. `resumed`: an earlier attempt with the key had not finished. */
  state: 'executed' | 'resumed' | 'replayed';
  outcomes: Outcome[];
  /** The request id of the attempt that gave every item of a keyed batch its outcome; undefined while one is open. */
  completedBy: string | undefined;
  /** Whoever asked for it took it back: what was not begun by then was not, or nobody knows what was. */
  canceled: boolean;
}
