import type { Rates } from '#libs/limits';
import type { Scope } from './scope';

/**
 * The identity of an authenticated request: an API key, its client, and the client's team. Idempotency and rate limits apply to
 * the client, so the rotation of a key does not affect them.
 */
export interface Principal {
  /** The public part of the API key; safe to log. */
  readonly keyId: string;
  readonly clientId: string;
  readonly clientName: string;
  /** In lower case, as stored. Statements use it, not the team id in the path. */
  readonly teamId: string;
  readonly scopes: ReadonlySet<Scope>;
  /** The rate limits that are set for the client. */
  readonly limits: Rates;
}
