-- Creates the ledger partition of a day unless it exists. The table is created first and then attached: attaching neither
-- waits for batches that write to other days nor blocks them. SECURITY DEFINER, so that the roles of the programs need no
-- right to create tables.
CREATE OR REPLACE FUNCTION ensure_ledger_partition(p_day date) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
  c_partition CONSTANT text := format('%I.%I', current_schema(), 'idempotency_items_' || to_char(p_day, 'YYYYMMDD'));
BEGIN
  IF to_regclass(c_partition) IS NOT NULL THEN
    RETURN;
  END IF;
  -- One session at a time, in the lock mode that ATTACH takes anyway. An advisory lock does not suffice: only a table lock
  -- makes this session see tables that other sessions have created since.
  LOCK TABLE ONLY idempotency_items IN SHARE UPDATE EXCLUSIVE MODE;
  IF to_regclass(c_partition) IS NOT NULL THEN
    RETURN;
  END IF;
  EXECUTE format('CREATE TABLE %s (LIKE idempotency_items INCLUDING ALL, CHECK (day >= %L AND day < %L))',
                 c_partition, p_day, p_day + 1);
  EXECUTE format('ALTER TABLE idempotency_items ATTACH PARTITION %s FOR VALUES FROM (%L) TO (%L)',
                 c_partition, p_day, p_day + 1);
END
$$;
REVOKE EXECUTE ON FUNCTION ensure_ledger_partition FROM PUBLIC;
