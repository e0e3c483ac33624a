import type { Database } from '#libs/database';
import type { FinalState, StoredOutcome, StoredRecord } from './history';

/** Reads the records and the ledger of a team. */
export async function readFinalState(database: Database, teamId: string): Promise<FinalState> {
  const records = await database.query<StoredRecord>(
    `SELECT id, version::integer, deleted_at IS NOT NULL AS deleted, properties ->> 'name' AS name,
            properties ->> 'notes' AS notes, properties ->> 'primary_domain' AS marker
       FROM records WHERE team_id = $1`,
    [teamId],
  );
  const outcomes = await database.query<StoredOutcome>(
    `SELECT encode(i.key_hash, 'hex') AS "keyHash", i.client_id AS "clientId", i.item, i.code,
            CASE WHEN i.code IS NOT NULL THEN '{"status": "error", "error": ' || i.error || '}'
                 ELSE (SELECT item_entry(m.id, NULL, m.version, m.properties, m.list, m.extended, m.created_at,
                                         m.updated_at, m.omitted)
                         FROM (SELECT (COALESCE(first.image, i.image)).*) AS m) END AS entry
       FROM idempotency_items AS i
       LEFT JOIN idempotency_items AS first
         ON first.day = i.day AND first.team_id = i.team_id AND first.client_id = i.client_id
        AND first.key_hash = i.key_hash AND first.item = i.same_as
      WHERE i.team_id = $1`,
    [teamId],
  );
  const requests = await database.query<FinalState['requests'][number]>(
    `SELECT encode(key_hash, 'hex') AS "keyHash", client_id AS "clientId", complete
       FROM idempotency_requests WHERE team_id = $1`,
    [teamId],
  );
  return { records: records.rows, outcomes: outcomes.rows, requests: requests.rows };
}
