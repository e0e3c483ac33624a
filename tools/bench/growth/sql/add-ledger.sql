-- Inserts the ledger rows of keyed batches of 100: requests $1 to $2 (excluded) of $3 within the last hour, from the clients
-- $5 of the teams $4 in turn. Each item is a copy of one that a gateway has stored.
WITH request AS (
  INSERT INTO idempotency_requests (team_id, client_id, key_hash, fingerprint, day, complete, request_id, created_at)
  SELECT ($4::uuid[])[1 + n % cardinality($4::uuid[])], ($5::uuid[])[1 + n % cardinality($5::uuid[])],
         sha256(('key ' || n)::bytea), sha256(('body ' || n)::bytea), (now() AT TIME ZONE 'UTC')::date, true,
         gen_random_uuid()::text, now() - interval '1 hour' * ($3::bigint - n) / $3::bigint
    FROM generate_series($1::bigint, $2::bigint - 1) AS n
  RETURNING day, team_id, client_id, key_hash
)
INSERT INTO idempotency_items (day, team_id, client_id, key_hash, item, image)
SELECT q.day, q.team_id, q.client_id, q.key_hash, n, done.image
  FROM request AS q, generate_series(1, 100) AS n,
       (SELECT i.image FROM idempotency_items AS i WHERE i.code IS NULL LIMIT 1) AS done
