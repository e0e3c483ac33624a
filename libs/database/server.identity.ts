/** Whether a pool uses only a server that accepts writes, or any server. */
export type ServerAccess = 'read-write' | 'any';

/** The identity of a server: it shows whether another server has replaced it at the same address. */
export interface ServerIdentity {
  /** Postgres increments it when a standby is promoted. 0: the server is a standby. */
  readonly timeline: number;
  /** When the server was started, in seconds since 1970. */
  readonly startedAt: number;
}

/** The primary server at the database's address, as far as connections of this process have shown. */
export class PrimaryServer {
  /** Whether commits wait for a standby; undefined before the first connection. */
  waitsForStandby: boolean | undefined;

  private identity: ServerIdentity | undefined;
  private readonly listeners: ((identity: ServerIdentity) => void)[] = [];

  /** Adds a listener that is called when a connection has reached a server that replaced the known one. */
  onReplaced(listener: (identity: ServerIdentity) => void): void {
    this.listeners.push(listener);
  }

  /**
   * Records the server of a new connection. A server that is older than the known one is ignored: while an address routes to two
   * servers, connections are closed only once.
   */
  observe(identity: ServerIdentity, waitsForStandby: boolean): void {
    const { identity: known } = this;
    const newer = known === undefined || isNewer(identity, known);
    if (newer || isSame(identity, known)) this.waitsForStandby = waitsForStandby;
    if (!newer) return;
    this.identity = identity;
    for (const listener of this.listeners) listener(identity);
  }
}

/** Whether a server was promoted later than another, or else started later. Of two servers, only one is newer. */
export function isNewer(one: ServerIdentity, other: ServerIdentity): boolean {
  return one.timeline > other.timeline || (one.timeline === other.timeline && one.startedAt > other.startedAt);
}

export function isStandby({ timeline }: ServerIdentity): boolean {
  return timeline === 0;
}

/**
 * Whether `current` has taken the place of `former` at an address. Unlike {@link isNewer}, it may be on an earlier timeline: a server
 * that was created anew. A standby does not replace its primary.
 */
export function hasReplaced(current: ServerIdentity, former: ServerIdentity): boolean {
  return !isStandby(current) && (current.timeline > former.timeline || current.startedAt > former.startedAt);
}

export function isSame(one: ServerIdentity, other: ServerIdentity): boolean {
  return one.timeline === other.timeline && one.startedAt === other.startedAt;
}

/** How a server reports its identity. */
export interface ServerRow {
  /** Null on a standby. */
  readonly timeline: number | null;
  /** In seconds since 1970. */
  readonly started_at: number;
  /** Whether commits wait for a standby. */
  readonly waits_for_standby: boolean;
}

/** The columns of {@link ServerRow}. The first eight digits of the name of a WAL file are the timeline. */
export const SERVER_COLUMNS = `
  CASE WHEN NOT pg_is_in_recovery()
       THEN ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::integer END AS timeline,
  date_part('epoch', pg_postmaster_start_time()) AS started_at,
  current_setting('synchronous_standby_names') <> ''
    AND current_setting('synchronous_commit') NOT IN ('off', 'local') AS waits_for_standby`;

/** The identity of the server that returned the row. */
export function identityOf({ timeline, started_at: startedAt }: ServerRow): ServerIdentity {
  return { timeline: timeline ?? 0, startedAt };
}
