-- Creates the ledger partition of a day, and moves the outcomes of that day from the default partition into it. Returns `done`;
-- `kept` if the day already has its partition; `busy` if another transaction holds a lock: then nothing has changed.
--
-- Attaching a partition locks the default partition for some milliseconds. Batches that are replayed or resumed wait for that,
-- and so do those of a day without a partition; first attempts of other days do not.
-- SECURITY DEFINER, so that the worker's role needs no privilege to create tables.
CREATE OR REPLACE FUNCTION ensure_ledger_partition(p_day date) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET lock_timeout = '10ms' SET search_path FROM CURRENT AS $$
DECLARE
  c_name      CONSTANT text := 'idempotency_outcomes_' || to_char(p_day, 'YYYYMMDD');
  c_partition CONSTANT text := format('%I.%I', current_schema(), c_name);
BEGIN
  IF to_regclass(c_partition) IS NOT NULL THEN
    RETURN 'kept';
  END IF;
  -- One session at a time, in the lock mode that ATTACH takes anyway. An advisory lock does not suffice: only a table lock
  -- makes this session see tables that other sessions have created since.
  LOCK TABLE ONLY idempotency_outcomes IN SHARE UPDATE EXCLUSIVE MODE;
  IF to_regclass(c_partition) IS NOT NULL THEN
    RETURN 'kept';
  END IF;
  LOCK TABLE idempotency_outcomes_default IN ACCESS EXCLUSIVE MODE;
  EXECUTE format('CREATE TABLE %s (LIKE idempotency_outcomes INCLUDING ALL, CHECK (day >= %L AND day < %L))',
                 c_partition, p_day, p_day + 1);
  EXECUTE format('WITH moved AS (DELETE FROM idempotency_outcomes_default WHERE day = %L RETURNING *)
                  INSERT INTO %s SELECT * FROM moved', p_day, c_partition);
  EXECUTE format('ALTER TABLE idempotency_outcomes ATTACH PARTITION %s FOR VALUES FROM (%L) TO (%L)',
                 c_partition, p_day, p_day + 1);
  RETURN 'done';
EXCEPTION
  WHEN lock_not_available THEN RETURN 'busy';
END
$$;
REVOKE EXECUTE ON FUNCTION ensure_ledger_partition FROM PUBLIC;
