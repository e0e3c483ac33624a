import type { ServerIdentity } from './server.identity';

/** A row of {@link SERVER_COLUMNS}. */
export interface ServerRow {
  /** Null on a standby. */
  readonly timeline: number | null;
  /** In seconds since 1970. */
  readonly started_at: number;
  /** Whether commits wait for a standby. */
  readonly synchronous: boolean;
}

/** The first eight digits of a WAL file's name are the timeline. */
export const SERVER_COLUMNS = `
  CASE WHEN NOT pg_is_in_recovery()
       THEN ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::integer END AS timeline,
  date_part('epoch', pg_postmaster_start_time()) AS started_at,
  current_setting('synchronous_standby_names') <> ''
    AND current_setting('synchronous_commit') NOT IN ('off', 'local') AS synchronous`;

/** The identity of the server that returned the row. */
export function identityOf({ timeline, started_at: startedAt }: ServerRow): ServerIdentity {
  return { timeline: timeline ?? 0, startedAt };
}
