-- What lets the programs run under roles of their own (libs/database/grants), with less than their tables' owner may do.

-- The key of this id, whichever team it is of: the one look-up that cannot name a team, since the key is what tells which
-- team calls. As the owner, so that the gateway's role needs no right to read keys: it gets the hash of the one key that a
-- caller has shown, and cannot list others.
CREATE FUNCTION find_api_key(p_key_id text)
RETURNS TABLE (key_id text, secret_hash bytea, team_id uuid, client_id uuid, client_name text, scopes text[],
               expires_at timestamptz, revoked_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER AS $$
  SELECT k.key_id, k.secret_hash, k.team_id, k.client_id, c.name, k.scopes, k.expires_at, k.revoked_at
    FROM api_keys AS k
    JOIN clients AS c ON c.team_id = k.team_id AND c.id = k.client_id
   WHERE k.key_id = p_key_id
$$;

-- When the oldest request of the ledger began, of all teams: all that the worker's role may know of requests.
CREATE FUNCTION oldest_idempotency_request() RETURNS timestamptz
LANGUAGE sql STABLE SECURITY DEFINER AS $$
  SELECT min(q.created_at) FROM idempotency_requests AS q
$$;

DO $$
DECLARE
  f regprocedure;
BEGIN
  -- In them a name means a table of the product's, whatever their caller may have made under the same one.
  FOREACH f IN ARRAY ARRAY['find_api_key(text)', 'oldest_idempotency_request()']::regprocedure[] LOOP
    EXECUTE format('ALTER FUNCTION %s SET search_path = %I, pg_temp', f, current_schema());
  END LOOP;
  -- What runs as the owner is for those who are given it.
  FOREACH f IN ARRAY ARRAY['find_api_key(text)', 'oldest_idempotency_request()', 'ensure_ledger_partition(date)',
                           'purge_idempotency_requests(interval, timestamptz, integer)',
                           'detach_ledger_partition(date)', 'drop_ledger_partition(date)']::regprocedure[] LOOP
    EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', f);
  END LOOP;
END
$$;
