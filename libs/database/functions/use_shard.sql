-- Makes the tables of the team's shard those of the session, and keeps the shard on this node until the end of the transaction. So
-- Postgres executes the statements of apply_batch alone, and keeps their plans. Citus would plan each one anew, which takes ten times
-- as long as to execute it.
--
--   shard        the shard of the table records. NULL: Citus executes the statements, because the shard is not on this node alone,
--                or because prism.own_session does not say that the program shares the session with no other, and closes it after
--                an error
--   shard_table  its table on this node, for hold_shard
--
-- RESET search_path ends it.
CREATE OR REPLACE FUNCTION use_shard(p_team_id uuid, OUT shard bigint, OUT shard_table oid)
LANGUAGE plpgsql AS $$
DECLARE
  v_schema text;
BEGIN
  IF current_setting('prism.own_session', true) = 'on' THEN
    SELECT o.shard, o.shard_table, o.schema INTO shard, shard_table, v_schema FROM open_shard(p_team_id) AS o;
  END IF;
  IF shard IS NULL THEN
    PERFORM hold_placement(p_team_id);
    RETURN;
  END IF;
  PERFORM set_config('search_path', v_schema || ', ' || current_setting('search_path'), false),
          set_config('citus.enable_manual_changes_to_shards', 'on', false);
END
$$;
