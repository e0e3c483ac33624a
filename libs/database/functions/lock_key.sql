-- Takes an advisory lock of a team until the end of the transaction: on a cluster, on the node that has the team, wherever this runs.
CREATE OR REPLACE FUNCTION lock_key(p_team_id uuid, p_key bigint, p_shared boolean DEFAULT false) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  IF is_cluster() THEN
    PERFORM hold_placement(p_team_id);
    -- One row, of the node: the aggregate of no records.
    PERFORM CASE WHEN p_shared THEN pg_advisory_xact_lock_shared(p_key) ELSE pg_advisory_xact_lock(p_key) END
      FROM (SELECT count(*) FROM (SELECT FROM records AS r WHERE r.team_id = p_team_id LIMIT 0) AS none) AS node;
  ELSIF p_shared THEN
    PERFORM pg_advisory_xact_lock_shared(p_key);
  ELSE
    PERFORM pg_advisory_xact_lock(p_key);
  END IF;
END
$$;
