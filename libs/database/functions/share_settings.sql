-- On a cluster, gives the settings of the transaction to the statements that another node executes: they are under row-level
-- security and wait for locks as well. Only needed while the caller's map of teams to nodes is out of date, or a shard moves.
CREATE OR REPLACE FUNCTION share_settings(p_team_id uuid) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  IF is_cluster() THEN
    -- Citus passes on the command SET LOCAL, and not set_config.
    EXECUTE format('SET LOCAL prism.team = %L', p_team_id);
    EXECUTE format('SET LOCAL lock_timeout = %L', current_setting('lock_timeout'));
  END IF;
END
$$;
