-- The outcomes of a request, as the ledger stores them, in the order of its items; NULL for an item without one. A stored entry `=<n>`
-- stands for the entry of item n, which has the same text (store_outcomes).
CREATE OR REPLACE FUNCTION split_outcomes(p_entries text, p_codes text, OUT entries text[], OUT codes text[], OUT bytes bigint)
LANGUAGE sql IMMUTABLE AS $$
  WITH stored AS MATERIALIZED (
    SELECT i.text, i.code, i.n
      FROM unnest(string_to_array(p_entries, E'\n'), string_to_array(p_codes, ',')) WITH ORDINALITY AS i (text, code, n)
  )
  SELECT array_agg(COALESCE(original.text, NULLIF(stored.text, '')) ORDER BY stored.n),
         array_agg(NULLIF(stored.code, '') ORDER BY stored.n),
         sum(octet_length(COALESCE(original.text, stored.text)))
    FROM stored
    LEFT JOIN stored AS original ON left(stored.text, 1) = '=' AND original.n::text = substr(stored.text, 2)
$$;
