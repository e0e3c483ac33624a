import type { Database } from '#libs/database';
import type { FinalState, StoredOutcome, StoredRecord } from './history';

/** Reads everything that Postgres holds of a team's records and its ledger. */
export async function readFinalState(database: Database, teamId: string): Promise<FinalState> {
  const records = await database.query<StoredRecord>(
    `SELECT id, version::integer, deleted_at IS NOT NULL AS deleted, properties ->> 'name' AS name,
            properties ->> 'notes' AS notes, properties ->> 'primary_domain' AS marker
       FROM records WHERE team_id = $1`,
    [teamId],
  );
  const outcomes = await database.query<StoredOutcome>(
    `SELECT encode(key_hash, 'hex') AS "keyHash", client_id AS "clientId", item, code,
            CASE WHEN code IS NOT NULL THEN '{"status": "error", "error": ' || error || '}'
                 ELSE item_entry((image).id, NULL, (image).version, (image).properties, (image).list, (image).extended,
                                 (image).created_at, (image).updated_at) END AS entry
       FROM idempotency_items WHERE team_id = $1`,
    [teamId],
  );
  const requests = await database.query<FinalState['requests'][number]>(
    `SELECT encode(key_hash, 'hex') AS "keyHash", client_id AS "clientId", complete
       FROM idempotency_requests WHERE team_id = $1`,
    [teamId],
  );
  return { records: records.rows, outcomes: outcomes.rows, requests: requests.rows };
}
