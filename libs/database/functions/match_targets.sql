-- The records that matched items are for, of items that only set properties: those whose value exactly one live record has. What
-- resolve_match decides anew if the record has another etag by then.
CREATE OR REPLACE FUNCTION match_targets(p_team_id uuid, p_items jsonb[]) RETURNS TABLE (n integer, id uuid, etag text)
LANGUAGE sql STABLE AS $$
  SELECT i.n::integer, (array_agg(r.id))[1], min(record_etag(r.version, r.updated_at))
    FROM unnest(p_items) WITH ORDINALITY AS i (item, n)
    JOIN record_lookups AS l
      ON l.team_id = p_team_id AND l.property_id = (i.item -> 'match' ->> 'id')::uuid
     AND l.value_hash = lookup_hash(i.item -> 'match' ->> 'kind', i.item -> 'match' -> 'value')
    JOIN records AS r ON r.team_id = p_team_id AND r.id = l.record_id AND r.deleted_at IS NULL
   WHERE i.item ? 'match' AND i.item ? 'set' AND NOT i.item ? 'if_match'
   GROUP BY i.n
  HAVING count(*) = 1
$$;
