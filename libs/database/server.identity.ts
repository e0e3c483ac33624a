/** Whether a pool uses only a server that accepts writes, or any server. */
export type ServerAccess = 'read-write' | 'any';

/** What tells whether one server has replaced another at the same address. */
export interface ServerIdentity {
  /** Postgres increments it when a standby is promoted. 0: the server is a standby. */
  readonly timeline: number;
  /** When the server was started, in seconds since 1970. */
  readonly startedAt: number;
}

/** The primary server at the database's address, as far as connections of this process have shown. */
export class PrimaryServer {
  private identity: ServerIdentity | undefined;
  private synchronous: boolean | undefined;
  private readonly listeners: ((identity: ServerIdentity) => void)[] = [];

  /** Whether commits wait for a standby; undefined before the first connection. */
  get waitsForStandby(): boolean | undefined {
    return this.synchronous;
  }

  /** Sets a listener that is called when a connection has reached a server that replaced the known one. */
  onReplaced(listener: (identity: ServerIdentity) => void): void {
    this.listeners.push(listener);
  }

  /**
   * Reports the server of a new connection. An older server than the known one changes nothing: while an address routes to both
   * of two servers, connections are closed once and not again and again.
   */
  observe(identity: ServerIdentity, synchronous: boolean): void {
    const { identity: known } = this;
    const newer = known === undefined || isNewer(identity, known);
    if (newer || isSame(identity, known)) this.synchronous = synchronous;
    if (!newer) return;
    this.identity = identity;
    for (const listener of this.listeners) listener(identity);
  }
}

/** Whether a server has replaced another: it was promoted later, or started later. */
export function isNewer(one: ServerIdentity, other: ServerIdentity): boolean {
  return one.timeline > other.timeline || (one.timeline === other.timeline && one.startedAt > other.startedAt);
}

export function isStandby({ timeline }: ServerIdentity): boolean {
  return timeline === 0;
}

/**
 * Whether `current` has taken the place of `former` at an address: it was promoted, restarted or created later. A standby does not
 * replace its primary.
 */
export function hasReplaced(current: ServerIdentity, former: ServerIdentity): boolean {
  return !isStandby(current) && (current.timeline > former.timeline || current.startedAt > former.startedAt);
}

export function isSame(one: ServerIdentity, other: ServerIdentity): boolean {
  return one.timeline === other.timeline && one.startedAt === other.startedAt;
}
