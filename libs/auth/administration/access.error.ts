/** A change to teams, clients or keys that is not possible. The message says what, why, and how to correct it. */
export class AccessError extends Error {
  override readonly name = 'AccessError';
}
