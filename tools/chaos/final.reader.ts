import type { Database } from '#libs/database';
import type { FinalState, StoredOutcome, StoredRecord } from './history';

/** Reads the records of a team, and the ledger of these clients of it. */
export async function readFinalState(
  database: Database,
  teamId: string,
  clientIds: readonly string[],
): Promise<FinalState> {
  const records = await database.query<StoredRecord>(
    `SELECT id, version::integer, deleted_at IS NOT NULL AS deleted, properties ->> 'name' AS name,
            properties ->> 'notes' AS notes, lower(properties ->> 'primary_domain') AS marker,
            COALESCE((properties -> 'employees')::float8, 0) AS sum
       FROM records WHERE team_id = $1`,
    [teamId],
  );
  const outcomes = await database.query<StoredOutcome>(
    `SELECT encode(q.key_hash, 'hex') AS "keyHash", q.client_id AS "clientId", i.item::integer, i.code, i.entry
       FROM idempotency_requests AS q, find_outcomes(q.day, q.team_id, q.id) AS o,
            unnest(o.entries, o.codes) WITH ORDINALITY AS i (entry, code, item)
      WHERE q.team_id = $1 AND q.client_id = ANY ($2) AND i.entry IS NOT NULL`,
    [teamId, clientIds],
  );
  const settled = await database.query<FinalState['settled'][number]>(
    `SELECT encode(q.key_hash, 'hex') AS "keyHash", q.client_id AS "clientId", n AS item
       FROM idempotency_requests AS q
       JOIN idempotency_progress AS p ON p.team_id = q.team_id AND p.request_id = q.id,
            generate_series(1, 8 * octet_length(p.settled)) AS n
      WHERE q.team_id = $1 AND q.client_id = ANY ($2) AND get_bit(p.settled, n - 1) = 1`,
    [teamId, clientIds],
  );
  const requests = await database.query<FinalState['requests'][number]>(
    `SELECT encode(key_hash, 'hex') AS "keyHash", client_id AS "clientId", complete
       FROM idempotency_requests WHERE team_id = $1 AND client_id = ANY ($2)`,
    [teamId, clientIds],
  );
  return { records: records.rows, outcomes: outcomes.rows, settled: settled.rows, requests: requests.rows };
}
