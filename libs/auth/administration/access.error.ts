/** A rejected change of teams, clients or keys. The message has the reason and the remedy. */
export class AccessError extends Error {
  override readonly name = 'AccessError';
}
