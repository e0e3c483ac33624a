-- Detaches the ledger partition of an expired day. Returns `done`; `kept` if the day is not expired or has no attached
-- partition; `busy` if another transaction holds a lock: then nothing has changed.
--
-- While this waits for running batches, all batches that use the ledger wait behind it. Therefore it waits no longer than
-- lock_timeout, and its commit does not wait for the disk. (DETACH ... CONCURRENTLY is not possible beside a default partition.)
CREATE OR REPLACE FUNCTION detach_ledger_partition(p_day date) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET lock_timeout = '10ms' SET search_path FROM CURRENT AS $$
DECLARE
  c_partition CONSTANT text := format('%I.%I', current_schema(), 'idempotency_outcomes_' || to_char(p_day, 'YYYYMMDD'));
BEGIN
  -- Two workers in sequence would delay the same batch twice.
  IF NOT pg_try_advisory_xact_lock(hashtext('ledger_retention')) THEN
    RETURN 'busy';
  END IF;
  IF NOT is_ledger_day_expired(p_day) OR NOT EXISTS (SELECT FROM ledger_partitions WHERE day = p_day AND attached) THEN
    RETURN 'kept';
  END IF;
  BEGIN
    LOCK TABLE ONLY idempotency_outcomes IN ACCESS EXCLUSIVE MODE;
    LOCK TABLE idempotency_outcomes_default IN ACCESS EXCLUSIVE MODE;
    -- No batch uses this partition. Another process, such as VACUUM, may hold it for long.
    EXECUTE format('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE NOWAIT', c_partition);
  EXCEPTION
    WHEN lock_not_available THEN RETURN 'busy';
  END;
  PERFORM set_config('synchronous_commit', 'off', true);
  EXECUTE format('ALTER TABLE idempotency_outcomes DETACH PARTITION %s', c_partition);
  RETURN 'done';
END
$$;
REVOKE EXECUTE ON FUNCTION detach_ledger_partition FROM PUBLIC;
