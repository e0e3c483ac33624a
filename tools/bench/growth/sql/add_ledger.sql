-- Inserts the ledger rows of keyed batches of 100: requests $1 to $2 (excluded) of $3 within the last hour, from the clients
-- $5 of the teams $4 in turn. Their outcomes are copies of those of a batch that a gateway has stored.
WITH request AS (
  INSERT INTO idempotency_requests (team_id, client_id, key_hash, fingerprint, item_count, day, complete, completed_by,
                                    created_at)
  SELECT ($4::uuid[])[1 + n % cardinality($4::uuid[])], ($5::uuid[])[1 + n % cardinality($5::uuid[])],
         sha256(('key ' || n)::bytea), sha256(('body ' || n)::bytea), 100, (now() AT TIME ZONE 'UTC')::date, true,
         gen_random_uuid()::text, now() - interval '1 hour' * ($3::bigint - n) / $3::bigint
    FROM generate_series($1::bigint, $2::bigint - 1) AS n
  RETURNING day, team_id, id
)
INSERT INTO idempotency_outcomes (day, team_id, request_id, entries, codes)
SELECT q.day, q.team_id, q.id, done.entries, done.codes
  FROM request AS q, (SELECT o.entries, o.codes FROM idempotency_outcomes AS o ORDER BY length(o.codes) DESC LIMIT 1) AS done
