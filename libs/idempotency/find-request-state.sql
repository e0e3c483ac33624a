-- What the ledger holds of the request that a key stands for, by the database's clock and with the rules of claim_request.
SELECT CASE
         WHEN q.created_at + make_interval(secs => $5) + make_interval(secs => $6) < now() THEN 'missing'
         WHEN q.created_at + make_interval(secs => $5) < now() THEN 'stale'
         WHEN q.complete AND q.fingerprint = $4 THEN 'complete'
         ELSE 'missing'
       END AS state
  FROM idempotency_requests AS q
 WHERE q.team_id = $1 AND q.client_id = $2 AND q.key_hash = $3
