-- The stored outcomes of a request, as split_outcomes returns them. `bytes` is the size of the entries. No row: none is stored.
CREATE OR REPLACE FUNCTION find_outcomes(p_day date, p_team_id uuid, p_request_id bigint)
RETURNS TABLE (entries text[], codes text[], bytes bigint)
LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN QUERY
    SELECT s.entries, s.codes, s.bytes
      FROM idempotency_outcomes AS o
     CROSS JOIN LATERAL split_outcomes(o.entries, o.codes) AS s
     WHERE o.day = p_day AND o.team_id = p_team_id AND o.request_id = p_request_id;
END
$$;
