-- Completes a request that is one transaction, and stores its only outcome. $4: the request id, $5: the response entry, $6: the item
-- error code; NULL for success.
WITH completed AS (
  UPDATE idempotency_requests AS q SET complete = true, completed_by = $4::text
   WHERE q.team_id = $1::uuid AND q.client_id = $2::uuid AND q.key_hash = $3::bytea
  RETURNING q.day, q.team_id, q.id
)
SELECT store_outcomes(c.day, c.team_id, c.id, $5::text, ARRAY[$6::text], ARRAY[true]) FROM completed AS c
