-- For each matched item that only sets properties and whose lookup has all values: the record, if exactly one live record has the
-- value, and its etag. apply_batch patches it if the etag is unchanged; otherwise resolve_match decides. Items are excluded if an
-- earlier item may give another record the value: one that sets the property, unless it creates a record with the value that it matches.
CREATE OR REPLACE FUNCTION match_targets(p_team_id uuid, p_items jsonb[]) RETURNS TABLE (n integer, id uuid, etag text)
LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN QUERY
    WITH changed AS MATERIALIZED (
      SELECT l ->> 'id' AS property_id, min(i.n) AS first
        FROM unnest(p_items) WITH ORDINALITY AS i (item, n)
       CROSS JOIN LATERAL jsonb_path_query(i.item, '$.lookups[*]') AS l
       WHERE i.item ? 'lookups'
       GROUP BY 1
      UNION ALL
      SELECT l ->> 'id', min(i.n)
        FROM unnest(p_items) WITH ORDINALITY AS i (item, n)
       CROSS JOIN LATERAL jsonb_path_query(i.item, '$.create.lookups[*]') AS l
       WHERE i.item ? 'create' AND l -> 'id' <> i.item -> 'match' -> 'id'
       GROUP BY 1)
    SELECT i.n::integer, (array_agg(r.id))[1], min(record_etag(r.version, r.updated_at))
      FROM unnest(p_items) WITH ORDINALITY AS i (item, n)
      JOIN record_lookups AS l
        ON l.team_id = p_team_id AND l.property_id = (i.item -> 'match' ->> 'id')::uuid
       AND l.value_hash = lookup_hash(i.item -> 'match' ->> 'kind', i.item -> 'match' -> 'value')
      JOIN records AS r ON r.team_id = p_team_id AND r.id = l.record_id AND r.deleted_at IS NULL
     WHERE i.item -> 'match' ? 'indexed' AND i.item ? 'set' AND NOT i.item ? 'if_match'
       AND NOT EXISTS (SELECT FROM changed AS c WHERE c.property_id = i.item -> 'match' ->> 'id' AND c.first < i.n)
     GROUP BY i.n
    HAVING count(*) = 1;
END
$$;
