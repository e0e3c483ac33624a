import { randomUUID } from 'node:crypto';

/** A call of a generated scenario, which can be sent repeatedly: with a key, each time after the first is a retry. */
export interface SentCall {
  /** Sends the call, and checks the response and the database against the model. */
  send(): Promise<void>;
}

/** The headers of a call: with a new key, or none. */
export function keyHeaders(keyed: boolean): Record<string, string> {
  return keyed ? { 'idempotency-key': randomUUID() } : {};
}
