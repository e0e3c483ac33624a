-- A key that is revoked again keeps its first revocation time.
UPDATE api_keys SET revoked_at = now() WHERE team_id = $1 AND key_id = $2 AND revoked_at IS NULL
