-- Keeps the rows of a shard on this node until the end of the transaction: a move waits. Citus takes the same lock for each write that
-- it executes.
--
--   p_shard  the shard of the table records
--   p_table  its table on this node, as use_shard has returned it
--
-- Raises transaction_resolution_unknown if the shard was moved in the meantime, even if it has come back, in another table. The move
-- has copied what was on disk when it ended: not the later transactions of the call, nor those that had not waited for the disk. The
-- call cannot tell which these are. With a key, the next attempt can: it applies what the ledger has not marked.
--
-- SECURITY DEFINER: Citus allows only the owner of the tables to take this lock.
CREATE OR REPLACE FUNCTION hold_shard(p_shard bigint, p_table oid) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
  PERFORM lock_shard_metadata(5, ARRAY[p_shard]); -- ShareLock
  -- A new statement, which sees a move that has ended during the wait.
  IF to_regclass('records_' || p_shard) IS DISTINCT FROM p_table OR (
    SELECT array_agg(p.groupid) FROM pg_dist_placement AS p WHERE p.shardid = p_shard
  ) IS DISTINCT FROM ARRAY(SELECT l.groupid FROM pg_dist_local_group AS l) THEN
    RAISE transaction_resolution_unknown USING MESSAGE = 'the rows of the team were moved to another node during the call';
  END IF;
END
$$;
