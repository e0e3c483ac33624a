-- The outcome of a complete request that is one transaction. A statement of its own, after claim_request: only a new snapshot has what
-- another attempt committed while the claim waited for it. The WAL record makes the commit wait for the disk and the standby, as
-- that of every replay: the commit that completed the request may still wait for them.
SELECT o.entries AS entry, q.completed_by, pg_logical_emit_message(true, 'prism_gateway', '') AS flushed
  FROM idempotency_requests AS q
  JOIN idempotency_outcomes AS o ON o.day = q.day AND o.team_id = q.team_id AND o.request_id = q.id
 WHERE q.team_id = $1::uuid AND q.client_id = $2::uuid AND q.key_hash = $3::bytea
