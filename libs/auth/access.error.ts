/** What a person asked of teams, clients or keys cannot be done. The message says what, why, and how to mend it. */
export class AccessError extends Error {
  override readonly name = 'AccessError';
}
