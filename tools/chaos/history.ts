/** One item of a request. */
export type RequestedItem =
  /** A patch of the token properties: `set` has the new token of each. `by` increments the number property. */
  | { type: 'patch'; id: string; set: Tokens; by?: number; ifMatch?: number }
  | { type: 'delete'; id: string }
  /** `marker`: a property value that no other request uses. */
  | { type: 'create'; marker: string; set: Tokens }
  /** Patches the one record that has the marker, or creates it. Several requests have the marker; nothing else changes the record. */
  | { type: 'upsert'; marker: string; set: Tokens; by?: number }
  /** An item that is rejected with this code, whatever the state of the records. */
  | { type: 'rejection'; id: string | null; code: string };

/** The properties that identify a change: each write sets them to tokens that no other write uses. */
export interface Tokens {
  name?: string;
  notes?: string;
}

/** A response as received. */
export interface ReceivedResponse {
  status: number;
  etag: string | undefined;
  location: string | undefined;
  /** Whether it has `idempotent-replay: true`. */
  replay: boolean;
  body: string;
}

/** One attempt at one gateway. Times are milliseconds of the monotonic clock of this process. */
export interface Attempt {
  gateway: 0 | 1;
  invokedAt: number;
  endedAt: number;
  /** The text of an error if there was no response: the outcome is unknown. */
  outcome: ReceivedResponse | string;
}

/** A request with a key, and its attempts, which all send the same key and the same bytes. */
export interface RequestHistory {
  key: string;
  /** SHA-256 of the key, hex. */
  keyHash: string;
  clientId: string;
  operation: 'update' | 'delete' | 'batch' | 'create' | 'patch' | 'upsert';
  onError: 'continue' | 'stop' | 'rollback';
  items: RequestedItem[];
  attempts: Attempt[];
  /** Whether the caller gave up before it knew the outcome, like a caller that crashes. */
  canceled: boolean;
}

/** A row of an import, for the record that has the marker; nothing else changes that record. `by` increments its number property. */
export interface ImportRow {
  marker: string;
  by: number;
}

/** The result of a row, as a job shows it. */
export interface RowResult {
  input_index: number;
  id: string | null;
  created: boolean;
  updated: boolean;
  error: { code: string } | null;
}

/** An import that is a job of the worker, sent with a key until there is a job, which is read until it has ended. */
export interface ImportHistory {
  key: string;
  rows: ImportRow[];
  /** The job at its end. */
  job?: { status: string; results: RowResult[] };
  /** A response that the caller must never get. */
  unexpected?: string;
}

/** The rows of one team in Postgres at the end of a round. */
export interface FinalState {
  records: StoredRecord[];
  /** The items in `idempotency_outcomes`. */
  outcomes: StoredOutcome[];
  /** The items that are marked in `idempotency_progress`. One without an outcome is applied, at an unknown version. */
  settled: { keyHash: string; clientId: string; item: number }[];
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
  /** The sum of its increments. */
  sum: number;
}

export interface StoredOutcome {
  keyHash: string;
  clientId: string;
  /** From 1. */
  item: number;
  /** Null if the item was applied. */
  code: string | null;
  /** The entry as in the response, without its `replayed` mark. */
  entry: string;
}

/** All requests of a round, and the state of the database after it. */
export interface RoundHistory {
  /** The records that existed at the start, at version 1. */
  seeded: { id: string; name: string }[];
  requests: RequestHistory[];
  imports: ImportHistory[];
  final: FinalState;
}
