-- Pages of records, newest first. No patch changes these columns, so patches stay HOT; a delete and a restore move a record from
-- one index to the other. Two partial indexes: a page of live records never reads past deleted ones.
CREATE INDEX IF NOT EXISTS records_live_order ON records (team_id, object_type, created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX IF NOT EXISTS records_deleted_order ON records (team_id, object_type, created_at, id)
 WHERE deleted_at IS NOT NULL;

-- The planner evaluates the setting: it expects no rows while it is NULL, as on a new connection, and 0.5% of them otherwise. It
-- would then read and sort the whole table instead of one page of the index. Of COALESCE it expects half of the rows. A team
-- that is not set still matches no row.
ALTER POLICY team_isolation ON records USING (COALESCE(team_id::text = current_setting('prism.team', true), false));
