-- The items of a batch, each with the keys of the locks that lock_lookups would take for it, in their order, as "locks". One
-- statement for all items, because starting a statement takes longer than computing the keys of an item.
--
-- An item whose value depends on its record, or with a lookup that is being built, gets no keys: lock_lookups computes and takes its
-- locks when it is applied.
CREATE OR REPLACE FUNCTION prepare_locks(p_team_id uuid, p_items jsonb[]) RETURNS jsonb[]
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  RETURN (
    WITH hashes AS MATERIALIZED (
      SELECT i.n, (i.item -> 'match' ->> 'id')::uuid AS property_id,
             lookup_hash(i.item -> 'match' ->> 'kind', i.item -> 'match' -> 'value') AS hash
        FROM unnest(p_items) WITH ORDINALITY AS i (item, n)
       WHERE i.item ? 'create'
      UNION ALL
      SELECT i.n, (l ->> 'id')::uuid,
             lookup_hash(l ->> 'kind', COALESCE(o.item -> 'properties', o.item -> 'default' -> 'set') -> (l ->> 'slug'))
        FROM unnest(p_items) WITH ORDINALITY AS i (item, n)
       CROSS JOIN LATERAL (VALUES (i.item), (i.item -> 'create')) AS o (item)
       CROSS JOIN LATERAL jsonb_array_elements(o.item -> 'lookups') AS l
    ), keys AS MATERIALIZED (
      SELECT h.n, lookup_lock_key(p_team_id, h.property_id, h.hash) AS key FROM hashes AS h WHERE h.hash IS NOT NULL
    ), locks AS MATERIALIZED (
      SELECT k.n, jsonb_agg(k.key ORDER BY k.key) AS keys FROM keys AS k GROUP BY k.n
    )
    SELECT array_agg(CASE
             WHEN l.keys IS NULL OR i.item ->> 'op' IN ('restore', 'duplicate')
               OR jsonb_path_exists(i.item, '$.lookups[*].building') OR jsonb_path_exists(i.item, '$.create.lookups[*].building')
             THEN i.item
             ELSE i.item || jsonb_build_object('locks', l.keys)
           END ORDER BY i.n)
      FROM unnest(p_items) WITH ORDINALITY AS i (item, n)
      LEFT JOIN locks AS l ON l.n = i.n);
END
$$;
