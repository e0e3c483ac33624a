-- Stores the outcomes of a request, and replaces those that the ledger has of it.
--
--   p_entries  response entries, one a line
--   p_codes    item error codes by position; NULL for an applied item
--   p_settled  by position, whether no retry changes the outcome. Only these are stored
CREATE OR REPLACE FUNCTION store_outcomes(p_day date, p_team_id uuid, p_request_id bigint, p_entries text, p_codes text[],
                                          p_settled boolean[]) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  v_entries text := p_entries;
  v_codes   text := array_to_string(p_codes, ',', '');
BEGIN
  -- Compression does not find a repeated entry that is far away: an entry of a large batch is stored once.
  IF octet_length(p_entries) > 65536 OR NOT (true = ALL (p_settled)) THEN
    SELECT string_agg(CASE WHEN NOT i.settled THEN '' WHEN i.first < i.n THEN '=' || i.first ELSE i.entry END, E'\n'
                      ORDER BY i.n),
           string_agg(CASE WHEN i.settled THEN COALESCE(i.code, '') ELSE '' END, ',' ORDER BY i.n)
      INTO v_entries, v_codes
      FROM (SELECT o.*, min(o.n) FILTER (WHERE o.settled) OVER (PARTITION BY o.entry) AS first
              FROM unnest(string_to_array(p_entries, E'\n'), p_codes, p_settled) WITH ORDINALITY
                AS o (entry, code, settled, n)) AS i;
  END IF;
  INSERT INTO idempotency_outcomes AS o (day, team_id, request_id, entries, codes)
  VALUES (p_day, p_team_id, p_request_id, v_entries, v_codes)
  ON CONFLICT (day, team_id, request_id) DO UPDATE SET entries = EXCLUDED.entries, codes = EXCLUDED.codes;
END
$$;
