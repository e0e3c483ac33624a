-- The single-record fast path: the common patch, which only sets properties, as one statement and thus one transaction. For
-- one item the fixed cost of apply_batch exceeds that of the patch. No row: the caller runs apply_batch, which determines
-- why the item fails, or applies it.
--
--   $1 team  $2 object type  $3 record  $4 properties to set  $5 the etag that the record must have; NULL: any
--   $6 the largest record, in bytes  $7 lock_timeout, in milliseconds  $8 return the entry without the record  $9 the caller's ref
UPDATE records AS r
   SET properties = r.properties || $4::jsonb, version = r.version + 1, updated_at = now()
 WHERE r.team_id = $1::uuid AND r.id = $3::uuid AND r.object_type = $2::text AND r.deleted_at IS NULL
   AND ($5::text IS NULL OR record_etag(r.version, r.updated_at) = $5)
   -- As in apply_batch, a small record is not rendered to measure it, and || decompresses what the patch does not change.
   AND (pg_column_size(r.properties || $4::jsonb) + pg_column_size(r.list || '{}') + pg_column_size(r.extended || '{}')
        <= $6::integer / 512
        OR octet_length((r.properties || $4::jsonb)::text)::bigint + octet_length(r.list::text)
           + octet_length(r.extended::text) <= $6::integer)
   AND current_setting('synchronous_commit') <> 'off' -- the commit of this statement is the flush
   AND set_config('lock_timeout', $7::text, true) IS NOT NULL -- evaluated before the statement waits for the row lock
RETURNING item_entry(r.id, $9::text, NULL, 'updated', r.version, CASE WHEN NOT $8::boolean THEN r.properties END, r.list, r.extended,
                     r.created_at, r.updated_at, NULL) AS entry
