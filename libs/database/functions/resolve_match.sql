-- Resolves an item with a match: returns it with the id of the one live record that has the value, and locks that record. If no
-- record or several have the value, returns the item to apply instead. Call it after lock_lookups, in a statement of its own.
--
--   p_item  {"op", "id", "match": {"id": <property id>, "slug", "kind", "value", "indexed"?}, "create"?, "absent"?, and the
--           operands of the op}. create: the item to apply if no record has the value; absent: {"code", "error"}, the error of the item
--           in that case. Without either it is not_found
CREATE OR REPLACE FUNCTION resolve_match(p_team_id uuid, p_object_type text, p_item jsonb) RETURNS jsonb
LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan AS $$
DECLARE
  c_match CONSTANT jsonb := p_item -> 'match';
  c_slug  CONSTANT text := c_match ->> 'slug';
  c_kind  CONSTANT text := c_match ->> 'kind';
  c_hash  CONSTANT bytea := lookup_hash(c_kind, c_match -> 'value');
  v_ids   uuid[];
BEGIN
  -- The value is compared as well: after a wait for the lock on a record, Postgres evaluates this condition again, while the row
  -- of the lookup does not show what was committed during the wait.
  IF c_match ? 'indexed' THEN
    SELECT array_agg(m.id) INTO v_ids
      FROM (SELECT r.id FROM record_lookups AS l
              JOIN records AS r ON r.team_id = l.team_id AND r.id = l.record_id
             WHERE l.team_id = p_team_id AND l.property_id = (c_match ->> 'id')::uuid AND l.value_hash = c_hash
               AND r.team_id = p_team_id AND r.deleted_at IS NULL AND lookup_hash(c_kind, r.properties -> c_slug) = c_hash
             LIMIT 2
               FOR NO KEY UPDATE OF r) AS m;
  ELSE
    SELECT array_agg(m.id) INTO v_ids
      FROM (SELECT r.id FROM records AS r
             WHERE r.team_id = p_team_id AND r.object_type = p_object_type AND r.deleted_at IS NULL
               AND lookup_hash(c_kind, r.properties -> c_slug) = c_hash
             LIMIT 2
               FOR NO KEY UPDATE) AS m;
  END IF;
  RETURN CASE
    WHEN cardinality(v_ids) = 1 THEN (p_item - ARRAY['match', 'create', 'absent']) || jsonb_build_object('id', v_ids[1])
    WHEN cardinality(v_ids) = 2 THEN jsonb_build_object('op', 'reject', 'code', 'multiple_matches',
                                                        'error', item_error('multiple_matches', false))
    WHEN p_item ? 'create' THEN p_item -> 'create'
    ELSE jsonb_build_object('op', 'reject', 'code', COALESCE(p_item -> 'absent' ->> 'code', 'not_found'),
                            'error', COALESCE(p_item -> 'absent' ->> 'error', item_error('not_found', false)))
  END;
END
$$;
