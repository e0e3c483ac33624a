-- The one statement that cannot name a team: the key is what tells which team calls.
SELECT k.key_id, k.secret_hash, k.team_id, k.client_id, c.name AS client_name, k.scopes, k.expires_at, k.revoked_at
FROM api_keys k
JOIN clients c ON c.team_id = k.team_id AND c.id = k.client_id
WHERE k.key_id = $1
