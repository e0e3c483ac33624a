-- An API key by its key id, with the rate limits of its client. Without team_id: the key determines the team.
-- SECURITY DEFINER: the gateway's role can read the hash of the one key that a caller presents, but cannot list keys.
CREATE OR REPLACE FUNCTION find_api_key(p_key_id text)
RETURNS TABLE (key_id text, secret_hash bytea, team_id uuid, client_id uuid, client_name text, scopes text[],
               expires_at timestamptz, revoked_at timestamptz, items_per_second integer, items_burst integer,
               requests_per_second integer, requests_burst integer, bytes_per_second integer, bytes_burst integer)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT AS $$
  SELECT k.key_id, k.secret_hash, k.team_id, k.client_id, c.name, k.scopes, k.expires_at, k.revoked_at,
         l.items_per_second, l.items_burst, l.requests_per_second, l.requests_burst, l.bytes_per_second, l.bytes_burst
    FROM api_keys AS k
    JOIN clients AS c ON c.team_id = k.team_id AND c.id = k.client_id
    LEFT JOIN client_limits AS l ON l.team_id = k.team_id AND l.client_id = k.client_id
   WHERE k.key_id = p_key_id
$$;
REVOKE EXECUTE ON FUNCTION find_api_key FROM PUBLIC;
