SELECT k.key_id, c.name AS client_name, k.scopes, k.created_at, k.expires_at, k.revoked_at
FROM api_keys k
JOIN clients c ON c.team_id = k.team_id AND c.id = k.client_id
WHERE k.team_id = $1 AND ($2::text IS NULL OR c.name = $2) AND ($3::text IS NULL OR k.key_id = $3)
ORDER BY c.name, k.created_at, k.key_id
