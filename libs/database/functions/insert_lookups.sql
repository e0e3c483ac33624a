-- Stores the values of a new record in its lookups, as store_lookups does for a record that is changed. The transaction has the
-- locks on the values.
CREATE OR REPLACE FUNCTION insert_lookups(p_team_id uuid, p_record_id uuid, p_properties jsonb, p_lookups jsonb) RETURNS void
LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  IF jsonb_path_exists(p_lookups, '$[*].unique') AND EXISTS (
    SELECT FROM jsonb_array_elements(p_lookups) AS l
      JOIN record_lookups AS s
        ON s.team_id = p_team_id AND s.property_id = (l ->> 'id')::uuid
       AND s.value_hash = lookup_hash(l ->> 'kind', p_properties -> (l ->> 'slug'))
     WHERE l ? 'unique'
  ) THEN
    RAISE unique_violation;
  END IF;
  INSERT INTO record_lookups (team_id, record_id, property_id, value_hash)
  SELECT p_team_id, p_record_id, v.property_id, v.value_hash
    FROM (SELECT (l ->> 'id')::uuid AS property_id, lookup_hash(l ->> 'kind', p_properties -> (l ->> 'slug')) AS value_hash
            FROM jsonb_array_elements(p_lookups) AS l
          OFFSET 0) AS v -- the hash is computed once
   WHERE v.value_hash IS NOT NULL;
END
$$;
