import type { Rates } from '#libs/limits';
import type { Scope } from './scope';

/**
 * Who calls: one live API key, the client (application) that owns it, and the client's team.
 * Idempotency and limits go by `clientId`, so that rotating a key changes neither.
 */
export interface Principal {
  /** The public part of the API key. Never a secret; safe to log. */
  readonly keyId: string;
  readonly clientId: string;
  readonly clientName: string;
  /** In lower case, as stored: use it in statements rather than the path's own spelling. */
  readonly teamId: string;
  readonly scopes: ReadonlySet<Scope>;
  /** What the client may send a second, as far as it was set for it. */
  readonly limits: Rates;
}
