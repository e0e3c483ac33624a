-- One change to one record: what the loop of apply_batch does once per item.

-- A time as the API writes it: RFC 3339 in UTC with three decimals.
CREATE FUNCTION wire_time(p_time timestamptz) RETURNS text
LANGUAGE sql STABLE AS $$
  SELECT to_char(p_time AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')
$$;

-- The record as the API writes it, as text: it travels from here to the response without being parsed again.
CREATE FUNCTION record_json(p_id uuid, p_properties jsonb, p_list jsonb, p_extended jsonb,
                            p_created_at timestamptz, p_updated_at timestamptz) RETURNS text
LANGUAGE sql STABLE AS $$
  SELECT '{"id": "' || p_id::text
      || '", "default": ' || CASE WHEN p_properties = '{}' THEN '{' ELSE left(p_properties::text, -1) || ', ' END
      || '"created_at": "' || wire_time(p_created_at)
      || '", "updated_at": "' || wire_time(p_updated_at) || '"}'
      || ', "list": ' || p_list::text
      || CASE WHEN p_extended = '{}' THEN '' ELSE ', "extended": ' || p_extended::text END
      || '}'
$$;

-- The size of a record: the bytes of its blocks as JSON text. Text can take 28 times the bytes of jsonb: 5e-324 takes 12 bytes
-- in jsonb and 326 as text, with every zero written out. 0 for an image without a record.
CREATE FUNCTION record_size(p_image record_image) RETURNS bigint
LANGUAGE sql IMMUTABLE AS $$
  SELECT COALESCE(octet_length(p_image.properties::text)::bigint + octet_length(p_image.list::text)
                  + octet_length(p_image.extended::text), 0)
$$;

-- The response entry of an item: its error (an object as JSON text), else its record as the change left it.
-- A replay renders the stored image again and must produce the same bytes, so other bytes need another function.
CREATE FUNCTION item_entry(p_id uuid, p_error text, p_version bigint, p_properties jsonb, p_list jsonb, p_extended jsonb,
                           p_created_at timestamptz, p_updated_at timestamptz, p_omitted boolean) RETURNS text
LANGUAGE sql STABLE AS $$
  SELECT CASE WHEN p_error IS NULL THEN
      '{"id": "' || p_id::text || '", "status": "ok", "etag": "\"' || p_version::text || '\""'
      || CASE WHEN p_omitted THEN ', "record_omitted": true'
              WHEN p_properties IS NULL THEN ''
              ELSE ', "record": ' || record_json(p_id, p_properties, p_list, p_extended, p_created_at, p_updated_at) END
      || '}'
    ELSE '{"id": ' || COALESCE('"' || p_id::text || '"', 'null') || ', "status": "error", "error": ' || p_error || '}' END
$$;

-- A multi-value property after {"op": "append" | "remove", "values": [...]}: a set in the order in which its elements came.
-- One pass groups equal elements, so the time grows with the number of elements and not with its square.
CREATE FUNCTION apply_operator(p_current jsonb, p_operator jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE AS $$
  SELECT COALESCE(jsonb_agg(result.value ORDER BY result.place), '[]')
    FROM (
      SELECT element.value, min(element.place) AS place
        FROM (
          SELECT e.value, ARRAY[0, e.ordinality] AS place, false AS is_operand
            FROM jsonb_array_elements(CASE jsonb_typeof(p_current) WHEN 'array' THEN p_current ELSE '[]' END)
                 WITH ORDINALITY AS e
          UNION ALL
          SELECT e.value, ARRAY[1, e.ordinality], true
            FROM jsonb_array_elements(p_operator -> 'values') WITH ORDINALITY AS e
        ) AS element
       GROUP BY element.value
      HAVING p_operator ->> 'op' = 'append' OR NOT bool_or(element.is_operand)
    ) AS result
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
--   code      NULL: applied; else the item error code
--   error     the error object as JSON text, where it is not the code's usual one
--   image     the record after the change
CREATE FUNCTION apply_item(p_team uuid, p_object text, p_item jsonb,
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
  ELSE
    image := (v_record.id, v_record.version, v_record.properties, v_record.list, v_record.extended,
              v_record.created_at, v_record.updated_at, NULL);
  END IF;
END
$$;
