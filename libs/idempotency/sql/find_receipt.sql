-- What the ledger has of a key in its lifetime, by the database's clock. No row: nothing. $4: lifetime, $5: request timeout, both in
-- seconds. The tenant context is set first, as in find_record.sql.
--
--   recent   the first attempt began less than the request timeout ago, so it may still run
--   results  response entries in request order, separated by commas; null for an item without a stored outcome
--
-- The WAL record makes the commit wait for the disk and the standby, as the commit of a replay does: a receipt acknowledges.
WITH context AS MATERIALIZED (SELECT set_config('prism.team', ($1::uuid)::text, true)::uuid AS team)
SELECT found.complete, found.recent, found.created_at, found.expires_at, found.item_count AS total,
       cardinality(array_remove(found.entries, NULL)) - cardinality(array_remove(found.codes, NULL)) AS succeeded,
       cardinality(array_remove(found.codes, NULL)) AS failed,
       array_to_string(found.entries, ', ', 'null') AS results,
       pg_logical_emit_message(true, 'prism_gateway', '') AS flushed
  FROM context
 CROSS JOIN LATERAL (
   SELECT q.complete, q.created_at, q.item_count,
          q.created_at + make_interval(secs => $4) AS expires_at,
          q.created_at + make_interval(secs => $5) > now() AS recent,
          COALESCE(o.entries, array_fill(NULL::text, ARRAY[q.item_count])) AS entries,
          COALESCE(o.codes, '{}') AS codes
     FROM idempotency_requests AS q
     LEFT JOIN idempotency_outcomes AS s ON s.day = q.day AND s.team_id = q.team_id AND s.request_id = q.id
     LEFT JOIN LATERAL split_outcomes(s.entries, s.codes) AS o ON true
    WHERE q.team_id = context.team AND q.team_id = $1::uuid AND q.client_id = $2 AND q.key_hash = $3
      AND q.created_at + make_interval(secs => $4) >= now()
   OFFSET 0
 ) AS found
