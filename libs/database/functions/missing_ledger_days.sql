-- The days up to p_days_ahead after today that have no ledger partition, and the first day whose outcomes are in the default
-- partition. SECURITY DEFINER: the worker's role cannot read the default partition.
CREATE OR REPLACE FUNCTION missing_ledger_days(p_days_ahead integer) RETURNS SETOF date
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
  c_first CONSTANT date := (SELECT min(o.day) FROM idempotency_outcomes_default AS o);
BEGIN
  RETURN QUERY
    SELECT needed.day
      FROM (SELECT (now() AT TIME ZONE 'UTC')::date + n AS day FROM generate_series(0, p_days_ahead) AS n
             UNION
            SELECT c_first) AS needed
     WHERE needed.day IS NOT NULL
       AND NOT EXISTS (SELECT FROM ledger_partitions AS p WHERE p.day = needed.day)
     ORDER BY needed.day;
END
$$;
REVOKE EXECUTE ON FUNCTION missing_ledger_days FROM PUBLIC;
