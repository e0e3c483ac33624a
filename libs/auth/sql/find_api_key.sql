-- Without team_id: the key determines the team.
SELECT k.key_id, k.secret_hash, k.team_id, k.client_id, k.client_name, k.scopes, k.expires_at, k.revoked_at,
       k.items_per_second, k.items_burst, k.requests_per_second, k.requests_burst, k.bytes_per_second, k.bytes_burst
  FROM find_api_key($1) AS k
