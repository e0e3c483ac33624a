import { readSettings } from '#libs/config';
import { openDatabase } from '#libs/database';
import { RetentionMetrics, type RetentionRun, RetentionRepository, RetentionService } from '#libs/idempotency';
import { Instruments } from '#libs/telemetry';
import type { Session } from './session';

/** The retention of a worker, without its process. */
export interface Retention {
  readonly ledger: RetentionRepository;
  run(stopping?: AbortSignal): Promise<RetentionRun>;
  /** A metric by labels, `{result="ok"}` → 1. */
  metric(name: string): Promise<Map<string, number>>;
  close(): Promise<void>;
}

/** @param settings by environment variable */
export function startRetention(url: string, settings: Record<string, string> = {}): Retention {
  const read = readSettings({ DATABASE_URL: url, ...settings });
  const database = openDatabase(read);
  const instruments = new Instruments();
  const ledger = new RetentionRepository(database, read);
  const service = new RetentionService(ledger, new RetentionMetrics(instruments));
  return {
    ledger,
    run: (stopping = new AbortController().signal) => service.run(stopping),
    metric: (name) => instruments.samples(name),
    close: () => database.close(),
  };
}

/** Creates the ledger rows of a past day: its partition, and requests distributed over the day with outcomes. */
export async function addLedgerDay(session: Session, daysAgo: number, requests: number): Promise<void> {
  await session.query("SELECT ensure_ledger_partition((now() AT TIME ZONE 'UTC')::date - $1::integer)", [daysAgo]);
  await session.query(
    `WITH past AS (
       SELECT (now() AT TIME ZONE 'UTC')::date - $1::integer AS day
     ), request AS (
       INSERT INTO idempotency_requests (team_id, client_id, key_hash, fingerprint, item_count, day, complete, created_at)
       SELECT gen_random_uuid(), gen_random_uuid(), sha256(n::text::bytea), '\\x00', 1, day, true,
              day::timestamp AT TIME ZONE 'UTC' + n * interval '1 day' / $2
         FROM past, generate_series(0, $2 - 1) AS n
       RETURNING day, team_id, id
     )
     INSERT INTO idempotency_outcomes (day, team_id, request_id, entries, codes)
     SELECT day, team_id, id, '{}', '' FROM request`,
    [daysAgo, requests],
  );
}

/** The days with a partition, as days before (negative: after) today; `!` marks a detached one. */
export async function ledgerDays(session: Session): Promise<string[]> {
  const rows = await session.query<{ day: string }>(
    `SELECT ((now() AT TIME ZONE 'UTC')::date - day) || CASE WHEN attached THEN '' ELSE '!' END AS day
       FROM ledger_partitions ORDER BY ledger_partitions.day DESC`,
  );
  return rows.map(({ day }) => day);
}

/** The number of requests within the last `days`. */
export async function requestsSince(session: Session, days: number): Promise<number> {
  const [row] = await session.query<{ n: number }>(
    'SELECT count(*)::integer AS n FROM idempotency_requests WHERE created_at >= now() - make_interval(days => $1)',
    [days],
  );
  return row?.n ?? 0;
}
