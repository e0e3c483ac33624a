-- Whether no key refers to a day any more: its request rows are deleted, and no attempt that started on it can still run.
CREATE OR REPLACE FUNCTION is_ledger_day_expired(p_day date) RETURNS boolean
LANGUAGE plpgsql STABLE AS $$
DECLARE
  -- min() reads the first entry of the index. For NOT EXISTS Postgres may scan the whole table when there is none.
  c_oldest CONSTANT timestamptz := (SELECT min(q.created_at) FROM idempotency_requests AS q);
BEGIN
  RETURN p_day < (now() AT TIME ZONE 'UTC')::date - 7
     AND COALESCE(c_oldest >= (p_day + 1)::timestamp AT TIME ZONE 'UTC', true);
END
$$;
