-- The stored outcomes of a request, in the order of its items; NULL for an item without one. `bytes` is the size of the entries.
-- No row: none is stored. A stored entry `=<n>` stands for the entry of item n, which has the same text (see store_outcomes).
CREATE OR REPLACE FUNCTION find_outcomes(p_day date, p_team_id uuid, p_request_id bigint)
RETURNS TABLE (entries text[], codes text[], bytes bigint)
LANGUAGE sql STABLE AS $$
  WITH stored AS MATERIALIZED (
    SELECT i.text, i.code, i.n
      FROM idempotency_outcomes AS o,
           unnest(string_to_array(o.entries, E'\n'), string_to_array(o.codes, ',')) WITH ORDINALITY AS i (text, code, n)
     WHERE o.day = p_day AND o.team_id = p_team_id AND o.request_id = p_request_id
  )
  SELECT array_agg(COALESCE(original.text, NULLIF(stored.text, '')) ORDER BY stored.n),
         array_agg(NULLIF(stored.code, '') ORDER BY stored.n),
         sum(octet_length(COALESCE(original.text, stored.text)))
    FROM stored
    LEFT JOIN stored AS original ON left(stored.text, 1) = '=' AND original.n::text = substr(stored.text, 2)
  HAVING count(*) > 0
$$;
