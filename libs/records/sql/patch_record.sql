-- The common patch of one record, which does nothing but set properties, as a statement and so a transaction of its own:
-- for it alone, the work that apply_batch does for any plan would cost more than the patch. No row: it is left to
-- apply_batch, which finds out why, or may do it all the same.
UPDATE records AS r
   SET properties = r.properties || $4::jsonb, version = r.version + 1, updated_at = now()
 WHERE r.team_id = $1::uuid AND r.id = $3::uuid AND r.object_type = $2::text AND r.deleted_at IS NULL
   AND r.version = COALESCE($5::bigint, r.version)
   -- As in apply_batch: a small record is not rendered only to find its size.
   AND (pg_column_size(r.properties || $4::jsonb) + pg_column_size(r.list) + pg_column_size(r.extended) <= $6::integer / 512
        OR octet_length((r.properties || $4::jsonb)::text)::bigint + octet_length(r.list::text)
           + octet_length(r.extended::text) <= $6::integer)
   AND current_setting('synchronous_commit') <> 'off' -- its commit is the flush
   AND set_config('lock_timeout', $7::text, true) IS NOT NULL -- from here on, and before it waits for the record
RETURNING item_entry(r.id, NULL, r.version, CASE WHEN NOT $8::boolean THEN r.properties END, r.list, r.extended,
                     r.created_at, r.updated_at, NULL) AS entry
