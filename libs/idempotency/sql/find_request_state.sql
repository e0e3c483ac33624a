-- The state of a key's request in the ledger, by the database's clock and the rules of claim_request.
-- The tenant context is set first, as in find_record.sql.
--
--   $1 team  $2 client  $3 hash of the key  $4 fingerprint of the request  $5 lifetime of a key  $6 stale time after it, both in seconds
WITH context AS MATERIALIZED (SELECT set_config('prism.team', ($1::uuid)::text, true)::uuid AS team)
SELECT found.state
  FROM context
 CROSS JOIN LATERAL (
   SELECT CASE
            WHEN q.created_at + make_interval(secs => $5) + make_interval(secs => $6) < now() THEN 'missing'
            WHEN q.created_at + make_interval(secs => $5) < now() THEN 'stale'
            WHEN q.complete AND q.fingerprint = $4 THEN 'complete'
            ELSE 'missing'
          END AS state
     FROM idempotency_requests AS q
    WHERE q.team_id = context.team AND q.team_id = $1::uuid AND q.client_id = $2 AND q.key_hash = $3
   OFFSET 0
 ) AS found
