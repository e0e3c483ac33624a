-- On a cluster, keeps the rows of a team on their node until the end of the transaction: a shard move waits. A transaction that
-- calls lock_key needs this, because its lock exists on that node only. Also calls share_settings.
CREATE OR REPLACE FUNCTION hold_placement(p_team_id uuid) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  IF is_cluster() THEN
    PERFORM share_settings(p_team_id);
    -- No record has this id. A write of no row takes the lock for which a move waits, and begins a transaction on that node.
    UPDATE records AS r SET version = r.version WHERE r.team_id = p_team_id AND r.id = '00000000-0000-0000-0000-000000000000';
  END IF;
END
$$;
