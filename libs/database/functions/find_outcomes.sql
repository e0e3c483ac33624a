-- The outcomes that the ledger holds of a request, by position. NULL for an item that is not settled. `bytes` is the size of the
-- entries. No row: it holds none.
CREATE OR REPLACE FUNCTION find_outcomes(p_day date, p_team_id uuid, p_request_id bigint)
RETURNS TABLE (entries text[], codes text[], bytes bigint)
LANGUAGE sql STABLE AS $$
  WITH line AS MATERIALIZED (
    SELECT i.text, i.code, i.n
      FROM idempotency_outcomes AS o,
           unnest(string_to_array(o.entries, E'\n'), string_to_array(o.codes, ',')) WITH ORDINALITY AS i (text, code, n)
     WHERE o.day = p_day AND o.team_id = p_team_id AND o.request_id = p_request_id
  )
  SELECT array_agg(COALESCE(first.text, NULLIF(line.text, '')) ORDER BY line.n),
         array_agg(NULLIF(line.code, '') ORDER BY line.n),
         sum(octet_length(COALESCE(first.text, line.text)))
    FROM line
    LEFT JOIN line AS first ON left(line.text, 1) = '=' AND first.n::text = substr(line.text, 2)
  HAVING count(*) > 0
$$;
