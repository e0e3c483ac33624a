import { createHash } from 'node:crypto';

/** What a key is unique within, and the key itself. Its text is kept nowhere: callers put anything into keys. */
export interface IdempotencyId {
  readonly teamId: string;
  readonly clientId: string;
  /** SHA-256 of the key as it is compared. */
  readonly keyHash: Buffer;
}

/** SHA-256 of a key as `parseIdempotencyKey` returns it. */
export function hashKey(key: string): Buffer {
  return createHash('sha256').update(key).digest();
}
