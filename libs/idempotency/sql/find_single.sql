-- The outcome of a complete request that is one transaction. A statement of its own, after claim_single: only a new snapshot has what
-- another attempt committed while the claim waited for it. The WAL record makes the commit wait for the disk and the standby, as
-- that of every replay: the commit that completed the request may still wait for them.
SELECT o.entries[1] AS entry, q.completed_by, pg_logical_emit_message(true, 'prism_gateway', '') AS flushed
  FROM idempotency_requests AS q
 CROSS JOIN LATERAL find_outcomes(q.day, q.team_id, q.id) AS o
 WHERE q.team_id = $1::uuid AND q.client_id = $2::uuid AND q.key_hash = $3::bytea
