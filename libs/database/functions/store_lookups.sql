-- Stores the values that a changed record now has in the lookups of an item. The caller has locked the record.
--
--   p_lookups  [{"id": <property id>, "slug", "kind", "unique"?}]
--
-- Raises unique_violation if another record has a value that must be unique. A value that the record had before is not
-- checked, so that a record with a duplicate from before the lookup can be changed.
CREATE OR REPLACE FUNCTION store_lookups(p_team_id uuid, p_record_id uuid, p_properties jsonb, p_lookups jsonb) RETURNS void
LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan AS $$
DECLARE
  v_lookup record;
BEGIN
  FOR v_lookup IN
    SELECT (l ->> 'id')::uuid AS property_id, l ? 'unique' AS is_unique,
           lookup_hash(l ->> 'kind', p_properties -> (l ->> 'slug')) AS value_hash
      FROM jsonb_array_elements(p_lookups) AS l
  LOOP
    IF v_lookup.value_hash IS NULL THEN
      DELETE FROM record_lookups AS s
       WHERE s.team_id = p_team_id AND s.record_id = p_record_id AND s.property_id = v_lookup.property_id;
      CONTINUE;
    END IF;
    CONTINUE WHEN EXISTS (
      SELECT FROM record_lookups AS s
       WHERE s.team_id = p_team_id AND s.record_id = p_record_id AND s.property_id = v_lookup.property_id
         AND s.value_hash = v_lookup.value_hash);
    -- The transaction has this lock already, unless the value depends on the record.
    PERFORM lock_key(p_team_id, lookup_lock_key(p_team_id, v_lookup.property_id, v_lookup.value_hash));
    IF v_lookup.is_unique AND EXISTS (
      SELECT FROM record_lookups AS s
       WHERE s.team_id = p_team_id AND s.property_id = v_lookup.property_id AND s.value_hash = v_lookup.value_hash
         AND s.record_id <> p_record_id
    ) THEN
      RAISE unique_violation;
    END IF;
    INSERT INTO record_lookups AS s (team_id, record_id, property_id, value_hash)
    VALUES (p_team_id, p_record_id, v_lookup.property_id, v_lookup.value_hash)
    ON CONFLICT (team_id, record_id, property_id) DO UPDATE SET value_hash = excluded.value_hash;
  END LOOP;
END
$$;
