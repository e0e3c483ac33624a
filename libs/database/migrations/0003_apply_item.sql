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

-- About how many bytes a record has, at next to no cost. What a change did not touch may count compressed.
CREATE FUNCTION record_bytes(p_properties jsonb, p_list jsonb, p_extended jsonb) RETURNS integer
LANGUAGE sql STABLE AS $$
  SELECT pg_column_size(p_properties) + pg_column_size(p_list) + pg_column_size(p_extended)
$$;

-- The entry of the answer for an item that failed. `p_error` is the error object as JSON text.
CREATE FUNCTION failed_entry(p_item jsonb, p_error text) RETURNS text
LANGUAGE sql IMMUTABLE AS $$
  SELECT '{"id": ' || COALESCE('"' || (p_item ->> 'id') || '"', 'null') || ', "status": "error", "error": ' || p_error || '}'
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

-- Applies one item of a plan and says what the answer's entry is.
--
--   p_item    {"op": "update" | "read" | "delete" | "create" | "refuse", "id", "if_match"?, and what the op takes}
--             refuse: {"code", "error"}: the item was found wrong before it came here
--   p_record_limit
--             the most bytes that a record may have after the change
--   p_errors  error objects as JSON text by code, for the failures that are found here
--   code      NULL: applied; else the item error code
CREATE FUNCTION apply_item(p_team uuid, p_object text, p_item jsonb, p_minimal boolean, p_record_limit integer, p_errors jsonb,
                           OUT code text, OUT entry text)
LANGUAGE plpgsql AS $$
DECLARE
  v_id       uuid;
  v_if_match bigint;
  v_version  bigint;
  v_record   text;
  v_bytes    integer;
BEGIN
  IF p_item ->> 'op' = 'refuse' THEN
    code := p_item ->> 'code';
    entry := failed_entry(p_item, p_item ->> 'error');
    RETURN;
  END IF;

  v_id := p_item ->> 'id';
  v_if_match := p_item ->> 'if_match';

  CASE p_item ->> 'op'
    WHEN 'update' THEN
      -- The common patch only sets properties; the other shapes take the longer way.
      IF p_item ? 'set' THEN
        UPDATE records AS r
           SET properties = r.properties || (p_item -> 'set'), version = r.version + 1, updated_at = now()
         WHERE r.team_id = p_team AND r.id = v_id AND r.object_type = p_object AND r.deleted_at IS NULL
           AND (v_if_match IS NULL OR r.version = v_if_match)
        RETURNING r.version, record_bytes(r.properties, r.list, r.extended), CASE WHEN NOT p_minimal THEN
                  record_json(r.id, r.properties, r.list, r.extended, r.created_at, r.updated_at) END
             INTO v_version, v_bytes, v_record;
      ELSE
        UPDATE records AS r
           SET properties = patch_block(r.properties, p_item -> 'default'),
               list = patch_lists(r.list, p_item -> 'list'),
               extended = patch_block(r.extended, p_item -> 'extended'),
               version = r.version + 1, updated_at = now()
         WHERE r.team_id = p_team AND r.id = v_id AND r.object_type = p_object AND r.deleted_at IS NULL
           AND (v_if_match IS NULL OR r.version = v_if_match)
        RETURNING r.version, record_bytes(r.properties, r.list, r.extended), CASE WHEN NOT p_minimal THEN
                  record_json(r.id, r.properties, r.list, r.extended, r.created_at, r.updated_at) END
             INTO v_version, v_bytes, v_record;
      END IF;
    WHEN 'read' THEN
      SELECT r.version, CASE WHEN NOT p_minimal THEN
             record_json(r.id, r.properties, r.list, r.extended, r.created_at, r.updated_at) END
        INTO v_version, v_record
        FROM records AS r
       WHERE r.team_id = p_team AND r.id = v_id AND r.object_type = p_object AND r.deleted_at IS NULL
         AND (v_if_match IS NULL OR r.version = v_if_match);
    WHEN 'delete' THEN
      UPDATE records AS r
         SET deleted_at = now(), version = r.version + 1, updated_at = now()
       WHERE r.team_id = p_team AND r.id = v_id AND r.object_type = p_object AND r.deleted_at IS NULL
         AND (v_if_match IS NULL OR r.version = v_if_match)
      RETURNING r.version, CASE WHEN NOT p_minimal THEN
                record_json(r.id, r.properties, r.list, r.extended, r.created_at, r.updated_at) END
           INTO v_version, v_record;
    WHEN 'create' THEN
      INSERT INTO records AS r (team_id, id, object_type, properties, list, extended)
      VALUES (p_team, v_id, p_object, p_item -> 'properties', p_item -> 'list', p_item -> 'extended')
      RETURNING r.version, record_bytes(r.properties, r.list, r.extended), CASE WHEN NOT p_minimal THEN
                record_json(r.id, r.properties, r.list, r.extended, r.created_at, r.updated_at) END
           INTO v_version, v_bytes, v_record;
  END CASE;

  IF v_bytes > p_record_limit THEN
    RAISE EXCEPTION USING ERRCODE = 'PG002'; -- undoes the change: item by item, a record would grow without end
  END IF;

  IF v_version IS NOT NULL THEN
    entry := '{"id": "' || v_id || '", "status": "ok", "etag": "\"' || v_version || '\""'
          || COALESCE(', "record": ' || v_record, '') || '}';
  ELSE
    -- Nothing was changed. Only a condition that failed on a live record is told apart from a record that is not there.
    IF v_if_match IS NOT NULL AND EXISTS (
      SELECT FROM records AS r
       WHERE r.team_id = p_team AND r.id = v_id AND r.object_type = p_object AND r.deleted_at IS NULL
    ) THEN
      code := 'precondition_failed';
    ELSE
      code := 'not_found';
    END IF;
    entry := failed_entry(p_item, p_errors ->> code);
  END IF;
END
$$;
