-- Drops the detached partition of an expired day. Returns `done`, `kept` or `busy`, as detach_ledger_partition does.
CREATE OR REPLACE FUNCTION drop_ledger_partition(p_day date) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET lock_timeout = '10ms' SET search_path FROM CURRENT AS $$
BEGIN
  IF NOT pg_try_advisory_xact_lock(hashtext('ledger_retention')) THEN
    RETURN 'busy';
  END IF;
  IF NOT is_ledger_day_expired(p_day) OR NOT EXISTS (SELECT FROM ledger_partitions WHERE day = p_day AND NOT attached) THEN
    RETURN 'kept';
  END IF;
  EXECUTE format('DROP TABLE %I.%I', current_schema(), 'idempotency_outcomes_' || to_char(p_day, 'YYYYMMDD'));
  RETURN 'done';
EXCEPTION
  WHEN lock_not_available THEN RETURN 'busy';
END
$$;
REVOKE EXECUTE ON FUNCTION drop_ledger_partition FROM PUBLIC;
