-- Deletes up to p_limit request rows that are older than p_retention (at least 7 days) with their progress rows, the oldest
-- first, of all teams. Skips a row that an attempt has locked: that attempt is about to renew it.
--
-- Retention deletes in an order that never applies a change twice: first the request row, after which the key is new and
-- starts on a new day; then, once no request row of a day is left, the partition of that day. Each step is a transaction of
-- its own, so a worker may stop between any two, and several may run at once. The clock is the database's. SECURITY DEFINER,
-- so that the worker's role needs no privilege to delete; the function itself deletes nothing that may still be needed.
--
--   p_from         where the previous call of the same run ended: rows before it are already deleted
--   deleted_up_to  where this call ended; NULL if it found nothing
CREATE OR REPLACE FUNCTION purge_idempotency_requests(p_retention interval, p_from timestamptz, p_limit integer,
                                                      OUT deleted integer, OUT deleted_up_to timestamptz)
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
  c_before CONSTANT timestamptz := now() - GREATEST(p_retention, interval '7 days');
  v_request record;
BEGIN
  -- A retry that waits for one of these rows does not wait for the disk. The next run deletes rows that a crash restores.
  PERFORM set_config('synchronous_commit', 'off', true);
  IF is_cluster() THEN
    -- A cluster locks rows of one team at a time.
    deleted := 0;
    FOR v_request IN
      SELECT e.team_id, e.client_id, e.key_hash, e.id, e.created_at FROM idempotency_requests AS e
       WHERE e.created_at < c_before AND e.created_at >= COALESCE(p_from, '-infinity')
       ORDER BY e.created_at
       LIMIT p_limit
    LOOP
      PERFORM FROM idempotency_requests AS q
        WHERE q.team_id = v_request.team_id AND q.client_id = v_request.client_id AND q.key_hash = v_request.key_hash
          AND q.id = v_request.id AND q.created_at < c_before
          FOR UPDATE SKIP LOCKED;
      CONTINUE WHEN NOT FOUND;
      DELETE FROM idempotency_requests AS q
       WHERE q.team_id = v_request.team_id AND q.client_id = v_request.client_id AND q.key_hash = v_request.key_hash;
      DELETE FROM idempotency_progress AS p WHERE p.team_id = v_request.team_id AND p.request_id = v_request.id;
      deleted := deleted + 1;
      deleted_up_to := v_request.created_at;
    END LOOP;
    RETURN;
  END IF;
  WITH purged AS (
    DELETE FROM idempotency_requests AS q
     WHERE q.created_at < c_before
       AND q.ctid = ANY (ARRAY(
             SELECT e.ctid FROM idempotency_requests AS e
              WHERE e.created_at < c_before AND e.created_at >= COALESCE(p_from, '-infinity')
              ORDER BY e.created_at
              LIMIT p_limit
                FOR UPDATE SKIP LOCKED))
    RETURNING q.team_id, q.id, q.created_at
  ), interrupted AS (
    DELETE FROM idempotency_progress AS p USING purged WHERE p.team_id = purged.team_id AND p.request_id = purged.id
  )
  SELECT count(*), max(created_at) INTO deleted, deleted_up_to FROM purged;
END
$$;
REVOKE EXECUTE ON FUNCTION purge_idempotency_requests FROM PUBLIC;
