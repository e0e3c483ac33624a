-- The one statement that cannot name a team: the key is what tells which team calls.
SELECT k.key_id, k.secret_hash, k.team_id, k.client_id, k.client_name, k.scopes, k.expires_at, k.revoked_at
FROM find_api_key($1) AS k
