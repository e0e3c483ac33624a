-- Locks the values that items are about to set, or to look for and create a record with, until the end of the transaction:
-- whoever looks for one of them while it has this lock finds the record that has it, or sets it before anyone else does. Call
-- it in a statement of its own, so that the next one sees what the previous holder committed, and before any record is locked.
-- Every transaction takes these locks in the order of their keys, so two cannot deadlock.
--
-- Of an item whose value depends on its record, the value that the record has now is locked, or none. If it gets another one
-- before the item changes it, store_lookups locks that.
--
-- While the lookup of a property is built, writers also share a lock on the property, which build_lookups takes alone to verify
-- that the values are unique.
CREATE OR REPLACE FUNCTION lock_lookups(p_team_id uuid, p_items jsonb[]) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  v_lock record;
BEGIN
  FOR v_lock IN
    SELECT false AS shared, lookup_lock(p_team_id, (m.match ->> 'id')::uuid,
                                        lookup_hash(m.match ->> 'kind', m.match -> 'value')) AS key
      FROM (SELECT item -> 'match' AS match FROM unnest(p_items) AS item WHERE item ? 'create') AS m
    UNION
    SELECT k.shared, k.key
      FROM (SELECT item FROM unnest(p_items) AS item
            UNION ALL
            SELECT item -> 'create' FROM unnest(p_items) AS item) AS i (item)
     CROSS JOIN LATERAL jsonb_array_elements(item -> 'lookups') AS l
      LEFT JOIN records AS r
        ON item ->> 'op' IN ('restore', 'duplicate') AND r.team_id = p_team_id
       AND r.id = COALESCE(item ->> 'source', item ->> 'id')::uuid
     CROSS JOIN LATERAL (
       SELECT true AS shared, lookup_lock(p_team_id, (l ->> 'id')::uuid, NULL) AS key WHERE l ? 'building'
       UNION ALL
       SELECT false, lookup_lock(p_team_id, (l ->> 'id')::uuid, h.hash)
         FROM (SELECT lookup_hash(l ->> 'kind', COALESCE(item -> 'properties', item -> 'default' -> 'set', r.properties)
                                                -> (l ->> 'slug')) AS hash) AS h
        WHERE h.hash IS NOT NULL
     ) AS k
     ORDER BY shared DESC, key
  LOOP
    IF v_lock.shared THEN
      PERFORM pg_advisory_xact_lock_shared(v_lock.key);
    ELSE
      PERFORM pg_advisory_xact_lock(v_lock.key);
    END IF;
  END LOOP;
END
$$;
