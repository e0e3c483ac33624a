-- Locks values until the end of the transaction: those that the items set, and those by which they find a record or else create
-- one. A transaction that looks for a value while it holds its lock finds the record that has it, or sets it before any other
-- transaction can. Call this in a statement of its own, so that the next statement sees what the previous holder committed, and
-- before any record is locked. Every transaction takes these locks in the order of their keys, so two cannot deadlock.
--
-- If the value of an item depends on its record (restore, duplicate), the current value of the record is locked, or none. If the
-- record gets another value before the item changes it, store_lookups locks that value.
--
-- While the lookup of a property is built, writers also take a shared lock on the property. build_lookups takes it exclusively to
-- verify that the values are unique.
--
-- A generic plan: Postgres would estimate one for the actual array to be cheaper, and plan the query for every item.
CREATE OR REPLACE FUNCTION lock_lookups(p_team_id uuid, p_items jsonb[]) RETURNS void
LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan AS $$
DECLARE
  v_lock record;
BEGIN
  FOR v_lock IN
    SELECT k.shared, lookup_lock_key(p_team_id, k.property_id, k.hash) AS key
      FROM (SELECT false AS shared, (m.match ->> 'id')::uuid AS property_id,
                   lookup_hash(m.match ->> 'kind', m.match -> 'value') AS hash
              FROM (SELECT item -> 'match' AS match FROM unnest(p_items) AS item WHERE item ? 'create') AS m
            UNION ALL
            SELECT s.shared, (l ->> 'id')::uuid,
                   CASE WHEN NOT s.shared THEN
                     lookup_hash(l ->> 'kind', COALESCE(item -> 'properties', item -> 'default' -> 'set', r.properties)
                                               -> (l ->> 'slug')) END
              FROM unnest(p_items) AS i (given)
             CROSS JOIN LATERAL (VALUES (given), (given -> 'create')) AS o (item)
             CROSS JOIN LATERAL jsonb_array_elements(item -> 'lookups') AS l
              LEFT JOIN records AS r
                ON item ->> 'op' IN ('restore', 'duplicate') AND r.team_id = p_team_id
               AND r.id = COALESCE(item ->> 'source', item ->> 'id')::uuid
             CROSS JOIN (VALUES (true), (false)) AS s (shared)
             WHERE NOT s.shared OR l ? 'building'
            OFFSET 0) AS k -- computes each hash once, although lookup_lock_key uses it several times
     WHERE k.shared OR k.hash IS NOT NULL
     ORDER BY shared DESC, key
  LOOP
    PERFORM lock_key(p_team_id, v_lock.key, v_lock.shared);
  END LOOP;
END
$$;
