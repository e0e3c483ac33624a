-- The single-record fast path of a request with an Idempotency-Key: patch_record, with the request and its outcome in the ledger,
-- in one transaction. No row: the key has been used, there is no such record, or it has another etag. If the record is changed
-- meanwhile, or would be too large, the statement fails. In each case nothing has changed, and the caller runs apply_batch.
--
--   $1 .. $9 as in patch_record.sql  $10 client  $11 hash of the key  $12 fingerprint of the request  $13 id of the HTTP request
WITH request AS (
  -- An attempt that is not the first one waits here for the end of the other, and then inserts nothing.
  INSERT INTO idempotency_requests AS q (team_id, client_id, key_hash, fingerprint, item_count, day, complete, completed_by)
  SELECT $1::uuid, $10::uuid, $11::bytea, $12::bytea, 1, (now() AT TIME ZONE 'UTC')::date, true, $13::text
   -- CASE keeps the order: the settings apply before the statement reads a record or waits for a lock.
   WHERE CASE WHEN current_setting('synchronous_commit') <> 'off' -- the commit of this statement is the flush
               AND set_config('lock_timeout', $7::text, true) IS NOT NULL
               AND set_config('prism.team', $1::text, true) IS NOT NULL
              THEN EXISTS (SELECT FROM records AS r
                            WHERE r.team_id = $1::uuid AND r.id = $3::uuid AND r.object_type = $2::text AND r.deleted_at IS NULL
                              AND ($5::text IS NULL OR record_etag(r.version, r.updated_at) = $5)) END
  ON CONFLICT (team_id, client_id, key_hash) DO NOTHING
  RETURNING q.id, q.day, $3::uuid AS record_id
), patched AS (
  UPDATE records AS r
     SET properties = r.properties || $4::jsonb, version = r.version + 1, updated_at = now()
    FROM request AS q
   WHERE r.team_id = $1::uuid AND r.id = q.record_id -- known once the request is inserted
     AND r.object_type = $2::text AND r.deleted_at IS NULL
     AND ($5::text IS NULL OR record_etag(r.version, r.updated_at) = $5)
     -- As in apply_batch, a small record is not rendered to measure it, and || decompresses what the patch does not change.
     AND (pg_column_size(r.properties || $4::jsonb) + pg_column_size(r.list || '{}') + pg_column_size(r.extended || '{}')
          <= $6::integer / 512
          OR octet_length((r.properties || $4::jsonb)::text)::bigint + octet_length(r.list::text)
             + octet_length(r.extended::text) <= $6::integer)
  RETURNING item_entry(r.id, $9::text, NULL, 'updated', r.version, CASE WHEN NOT $8::boolean THEN r.properties END, r.list,
                       r.extended, r.created_at, r.updated_at, NULL) AS entry
), outcome AS (
  INSERT INTO idempotency_outcomes (day, team_id, request_id, entries, codes)
  SELECT q.day, $1::uuid, q.id, p.entry, '' FROM request AS q, patched AS p
)
SELECT COALESCE(p.entry, abort_fast_path()) AS entry FROM request AS q LEFT JOIN patched AS p ON true
