-- When the oldest request in the ledger started, of all teams. SECURITY DEFINER: the worker's role can read nothing else of
-- requests.
CREATE OR REPLACE FUNCTION oldest_idempotency_request() RETURNS timestamptz
LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT AS $$
  SELECT min(q.created_at) FROM idempotency_requests AS q
$$;
REVOKE EXECUTE ON FUNCTION oldest_idempotency_request FROM PUBLIC;
