-- Adds a key with the client and scopes of a live one, in one statement: two concurrent rotations create two complete keys.
-- The new key has the lifetime of the old one, from now. $6, if given, is when the old key expires at the latest.
WITH old AS (
  SELECT client_id, scopes, expires_at - created_at AS lifetime
  FROM api_keys
  WHERE team_id = $1 AND key_id = $2 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now())
  FOR UPDATE
),
shortened AS (
  UPDATE api_keys
  SET expires_at = LEAST(expires_at, $6::timestamptz)
  WHERE team_id = $1 AND key_id = $2 AND $6::timestamptz IS NOT NULL AND EXISTS (SELECT FROM old)
)
INSERT INTO api_keys (team_id, id, client_id, key_id, secret_hash, scopes, expires_at)
SELECT $1::uuid, $3::uuid, old.client_id, $4::text, $5::bytea, old.scopes, now() + old.lifetime FROM old
