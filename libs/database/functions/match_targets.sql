-- The records that matched items are for, of items that only set properties: those whose value exactly one live record has, by
-- a lookup that has all values. What
-- resolve_match decides anew if the record has another etag by then. Not of an item behind one that can give another record
-- the value: it sets the property, other than to the value that it is itself matched by.
CREATE OR REPLACE FUNCTION match_targets(p_team_id uuid, p_items jsonb[]) RETURNS TABLE (n integer, id uuid, etag text)
LANGUAGE sql STABLE AS $$
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
  HAVING count(*) = 1
$$;
