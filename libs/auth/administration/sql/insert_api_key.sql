INSERT INTO api_keys (team_id, id, client_id, key_id, secret_hash, scopes, expires_at)
VALUES ($1, $2, $3, $4, $5, $6, $7)
