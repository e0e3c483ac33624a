-- One change to one record: what the loop of apply_batch does once per item.

-- The record as the wire has it, as text: it travels from here to the answer without being parsed again.
-- Times are in UTC whatever the session's time zone.
CREATE FUNCTION record_json(p_id uuid, p_properties jsonb, p_list jsonb, p_extended jsonb,
                            p_created_at timestamptz, p_updated_at timestamptz) RETURNS text
LANGUAGE sql STABLE AS $$
  SELECT '{"id": "' || p_id::text
      || '", "default": ' || CASE WHEN p_properties = '{}' THEN '{' ELSE left(p_properties::text, -1) || ', ' END
      || '"created_at": ' || rtrim(to_json(p_created_at AT TIME ZONE 'UTC')::text, '"') || 'Z"'
      || ', "updated_at": ' || rtrim(to_json(p_updated_at AT TIME ZONE 'UTC')::text, '"') || 'Z"}'
      || ', "list": ' || p_list::text
      || CASE WHEN p_extended = '{}' THEN '' ELSE ', "extended": ' || p_extended::text END
      || '}'
$$;

-- The entry of the answer for an item: its error (an object as JSON text), else its record as the change left it.
-- What is in the ledger is rendered by it again: the same bytes each time, so other bytes need another function.
CREATE FUNCTION item_entry(p_id uuid, p_error text, p_version bigint, p_properties jsonb, p_list jsonb, p_extended jsonb,
                           p_created_at timestamptz, p_updated_at timestamptz) RETURNS text
LANGUAGE sql STABLE AS $$
  SELECT CASE WHEN p_error IS NULL THEN
      '{"id": "' || p_id::text || '", "status": "ok", "etag": "\"' || p_version::text || '\""'
      || CASE WHEN p_properties IS NULL THEN '' ELSE ', "record": '
           || record_json(p_id, p_properties, p_list, p_extended, p_created_at, p_updated_at) END
      || '}'
    ELSE '{"id": ' || COALESCE('"' || p_id::text || '"', 'null') || ', "status": "error", "error": ' || p_error || '}' END
$$;

-- A multi-value property after {"op": "append" | "remove", "values": [...]}: a set, first come first kept.
CREATE FUNCTION apply_operator(p_current jsonb, p_operator jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE AS $$
  SELECT COALESCE(jsonb_agg(kept.value ORDER BY kept.place), '[]')
    FROM (
      SELECT member.value, min(member.place) AS place
        FROM (
          SELECT e.value, ARRAY[0, e.ordinality] AS place
            FROM jsonb_array_elements(CASE jsonb_typeof(p_current) WHEN 'array' THEN p_current ELSE '[]' END)
                 WITH ORDINALITY AS e
          UNION ALL
          SELECT e.value, ARRAY[1, e.ordinality]
            FROM jsonb_array_elements(p_operator -> 'values') WITH ORDINALITY AS e
           WHERE p_operator ->> 'op' = 'append'
        ) AS member
       WHERE p_operator ->> 'op' = 'append' OR NOT (p_operator -> 'values') @> jsonb_build_array(member.value)
       GROUP BY member.value
    ) AS kept
$$;

-- A block of properties after {"set": {...}, "clear": [...], "ops": {...}}, each of them optional.
CREATE FUNCTION patch_block(p_current jsonb, p_change jsonb) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
  result   jsonb := COALESCE(p_current, '{}') || COALESCE(NULLIF(p_change -> 'set', 'null'), '{}');
  operator record;
BEGIN
  IF jsonb_typeof(p_change -> 'clear') = 'array' THEN
    result := result - ARRAY(SELECT jsonb_array_elements_text(p_change -> 'clear'));
  END IF;
  IF jsonb_typeof(p_change -> 'ops') = 'object' THEN
    FOR operator IN SELECT key, value FROM jsonb_each(p_change -> 'ops') LOOP
      result := result || jsonb_build_object(operator.key, apply_operator(result -> operator.key, operator.value));
      IF operator.value ? 'required' AND result -> operator.key = '[]' THEN
        RAISE EXCEPTION USING ERRCODE = 'PG003'; -- a required property would be left without elements
      END IF;
    END LOOP;
  END IF;
  RETURN result;
END
$$;

-- The list blocks after {"<list id>": <block change>}.
CREATE FUNCTION patch_lists(p_current jsonb, p_changes jsonb) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
  result jsonb := p_current;
  block  record;
BEGIN
  IF jsonb_typeof(p_changes) = 'object' THEN
    FOR block IN SELECT key, value FROM jsonb_each(p_changes) LOOP
      result := result || jsonb_build_object(block.key, patch_block(result -> block.key, block.value));
    END LOOP;
  END IF;
  RETURN result;
END
$$;

-- Applies one item of a plan, whatever its shape.
--
--   p_item    {"op": "update" | "read" | "delete" | "create" | "refuse", "id", "if_match"?, and what the op takes}
--             refuse: {"code", "error"}: the item was found wrong before it came here
--   p_record_limit
--             the most bytes that a record may have after the change; what it did not touch may count compressed
--   code      NULL: applied; else the item error code
--   error     the error object as JSON text, where it is not the code's usual one
--   image     the record after the change
CREATE FUNCTION apply_item(p_team uuid, p_object text, p_item jsonb, p_record_limit integer,
                           OUT code text, OUT error text, OUT image record_image)
LANGUAGE plpgsql AS $$
DECLARE
  v_op       CONSTANT text := p_item ->> 'op';
  v_id       CONSTANT uuid := CASE WHEN v_op <> 'refuse' THEN (p_item ->> 'id')::uuid END;
  v_if_match CONSTANT bigint := p_item ->> 'if_match';
  v_record   records;
BEGIN
  CASE v_op
    WHEN 'refuse' THEN
      code := p_item ->> 'code';
      error := p_item ->> 'error';
      RETURN;
    WHEN 'update' THEN
      UPDATE records AS r
         SET properties = patch_block(r.properties, COALESCE(p_item -> 'default', p_item)),
             list = patch_lists(r.list, p_item -> 'list'),
             extended = patch_block(r.extended, p_item -> 'extended'),
             version = r.version + 1, updated_at = now()
       WHERE r.team_id = p_team AND r.id = v_id AND r.object_type = p_object AND r.deleted_at IS NULL
         AND (v_if_match IS NULL OR r.version = v_if_match)
      RETURNING r.* INTO v_record;
    WHEN 'read' THEN
      SELECT r.* INTO v_record FROM records AS r
       WHERE r.team_id = p_team AND r.id = v_id AND r.object_type = p_object AND r.deleted_at IS NULL
         AND (v_if_match IS NULL OR r.version = v_if_match);
    WHEN 'delete' THEN
      UPDATE records AS r
         SET deleted_at = now(), version = r.version + 1, updated_at = now()
       WHERE r.team_id = p_team AND r.id = v_id AND r.object_type = p_object AND r.deleted_at IS NULL
         AND (v_if_match IS NULL OR r.version = v_if_match)
      RETURNING r.* INTO v_record;
    WHEN 'create' THEN
      INSERT INTO records AS r (team_id, id, object_type, properties, list, extended)
      VALUES (p_team, v_id, p_object, p_item -> 'properties', p_item -> 'list', p_item -> 'extended')
      RETURNING r.* INTO v_record;
  END CASE;

  IF v_record.id IS NULL THEN
    -- Nothing was changed. Only a condition that failed on a live record is told apart from a record that is not there.
    code := CASE WHEN v_if_match IS NOT NULL AND EXISTS (
      SELECT FROM records AS r
       WHERE r.team_id = p_team AND r.id = v_id AND r.object_type = p_object AND r.deleted_at IS NULL
    ) THEN 'precondition_failed' ELSE 'not_found' END;
  ELSIF v_op IN ('update', 'create') AND pg_column_size(v_record) > p_record_limit THEN
    RAISE EXCEPTION USING ERRCODE = 'PG002';
  ELSE
    image := (v_record.id, v_record.version, v_record.properties, v_record.list, v_record.extended,
              v_record.created_at, v_record.updated_at);
  END IF;
END
$$;
