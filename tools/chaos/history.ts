/** What one item of a request asks for. */
export type AskedItem =
  /** A patch of the token properties: `set` names the token that each is to hold. */
  | { ask: 'patch'; id: string; set: Tokens; ifMatch?: number }
  | { ask: 'delete'; id: string }
  /** `marker`: a property that only this creation ever sets. */
  | { ask: 'create'; marker: string; set: Tokens }
  /** Sure to be refused with this code, whatever state the records are in. */
  | { ask: 'refusal'; id: string | null; code: string };

/** The properties by which a change can be told: each write puts a token into them that no other write uses. */
export interface Tokens {
  name?: string;
  notes?: string;
}

/** What came back over the wire. */
export interface WriteResponse {
  status: number;
  etag: string | undefined;
  location: string | undefined;
  /** Whether it says `idempotent-replay: true`. */
  replay: boolean;
  body: string;
}

/** One exchange with one gateway. Times are milliseconds on the one clock of the harness. */
export interface Attempt {
  gateway: 0 | 1;
  invokedAt: number;
  endedAt: number;
  /** The text of an error: no answer came, and nobody knows what happened. */
  outcome: WriteResponse | string;
}

/** A request with a key and everything that became of it. All its attempts carry the same key and the same bytes. */
export interface RequestHistory {
  key: string;
  /** SHA-256 of the key, hex. */
  keyHash: string;
  clientId: string;
  operation: 'update' | 'delete' | 'create' | 'patch';
  onError: 'continue' | 'stop' | 'rollback';
  items: AskedItem[];
  attempts: Attempt[];
  /** The caller gave up before it knew the outcome, as callers that die do. */
  canceled: boolean;
}

/** What Postgres holds at the end, of one team. */
export interface FinalState {
  records: StoredRecord[];
  /** `idempotency_items` */
  outcomes: StoredOutcome[];
  /** `idempotency_requests` */
  requests: { keyHash: string; clientId: string; complete: boolean }[];
}

export interface StoredRecord {
  id: string;
  version: number;
  deleted: boolean;
  name: string | null;
  notes: string | null;
  marker: string | null;
}

export interface StoredOutcome {
  keyHash: string;
  clientId: string;
  /** From 1. */
  item: number;
  /** Null: applied. */
  code: string | null;
  /** As the answer has it; one that failed has no id in the ledger. */
  entry: string;
}

/** What a caller knows of a request that must not be lost: everything about one round. */
export interface RoundHistory {
  /** The records that were there from the start, at version 1. */
  seeded: { id: string; name: string }[];
  requests: RequestHistory[];
  final: FinalState;
}
