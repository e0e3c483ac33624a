-- The rate limits configured for single clients: an average per second, and a burst that may be used at once. The bytes are
-- those of request and response bodies. NULL: the default of the gateways applies. 0: unlimited.
CREATE TABLE client_limits (
  team_id             uuid    NOT NULL,
  client_id           uuid    NOT NULL,
  items_per_second    integer CHECK (items_per_second BETWEEN 0 AND 1000000),
  items_burst         integer CHECK (items_burst BETWEEN 0 AND 1000000),
  requests_per_second integer CHECK (requests_per_second BETWEEN 0 AND 1000000),
  requests_burst      integer CHECK (requests_burst BETWEEN 0 AND 1000000),
  bytes_per_second    integer CHECK (bytes_per_second BETWEEN 0 AND 1000000000),
  bytes_burst         integer CHECK (bytes_burst BETWEEN 0 AND 1000000000),
  PRIMARY KEY (team_id, client_id),
  FOREIGN KEY (team_id, client_id) REFERENCES clients (team_id, id),
  -- Rate and burst are set together. A burst of 0 would admit nothing, so it goes with the rate 0 alone.
  CHECK ((items_per_second IS NULL) = (items_burst IS NULL) AND (items_per_second = 0) = (items_burst = 0)),
  CHECK ((requests_per_second IS NULL) = (requests_burst IS NULL) AND (requests_per_second = 0) = (requests_burst = 0)),
  CHECK ((bytes_per_second IS NULL) = (bytes_burst IS NULL) AND (bytes_per_second = 0) = (bytes_burst = 0))
);

CREATE POLICY team_wall ON client_limits USING (team_id::text = current_setting('prism.team', true));

-- Replaces find_api_key: also returns the rate limits of the key's client.
CREATE FUNCTION find_caller(p_key_id text)
RETURNS TABLE (key_id text, secret_hash bytea, team_id uuid, client_id uuid, client_name text, scopes text[],
               expires_at timestamptz, revoked_at timestamptz, items_per_second integer, items_burst integer,
               requests_per_second integer, requests_burst integer, bytes_per_second integer, bytes_burst integer)
LANGUAGE sql STABLE SECURITY DEFINER AS $$
  SELECT k.key_id, k.secret_hash, k.team_id, k.client_id, c.name, k.scopes, k.expires_at, k.revoked_at,
         l.items_per_second, l.items_burst, l.requests_per_second, l.requests_burst, l.bytes_per_second, l.bytes_burst
    FROM api_keys AS k
    JOIN clients AS c ON c.team_id = k.team_id AND c.id = k.client_id
    LEFT JOIN client_limits AS l ON l.team_id = k.team_id AND l.client_id = k.client_id
   WHERE k.key_id = p_key_id
$$;

DO $$
DECLARE
  role_name text;
BEGIN
  EXECUTE format('ALTER FUNCTION find_caller(text) SET search_path = %I, pg_temp', current_schema());
  REVOKE EXECUTE ON FUNCTION find_caller(text) FROM PUBLIC;
  -- Roles that may execute find_api_key may execute find_caller too, without a manual GRANT.
  FOR role_name IN
    SELECT a.grantee::regrole::text
      FROM pg_proc AS p, aclexplode(p.proacl) AS a
     WHERE p.oid = 'find_api_key(text)'::regprocedure AND a.grantee NOT IN (0, p.proowner)
  LOOP
    -- regrole::text is already quoted where needed.
    EXECUTE format('GRANT EXECUTE ON FUNCTION find_caller(text) TO %s', role_name);
  END LOOP;
  -- If row-level security is enabled, it covers this table too.
  IF (SELECT relrowsecurity FROM pg_class WHERE oid = 'clients'::regclass) THEN
    ALTER TABLE client_limits ENABLE ROW LEVEL SECURITY;
  END IF;
END
$$;
