-- Writes a WAL record, so that the commit of the transaction waits for the disk and the standby, although it changes nothing: on a
-- cluster, those of the node that has the team.
CREATE OR REPLACE FUNCTION emit_flush_message(p_team_id uuid) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  IF is_cluster() THEN
    PERFORM pg_logical_emit_message(true, 'prism_gateway', '')
      FROM (SELECT count(*) FROM (SELECT FROM records AS r WHERE r.team_id = p_team_id LIMIT 0) AS none) AS node;
  ELSE
    PERFORM pg_logical_emit_message(true, 'prism_gateway', '');
  END IF;
END
$$;
