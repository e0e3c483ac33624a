-- The response entry of an item, as JSON text: its error (p_error, an object as JSON text), or else its effect and its record
-- after the change. Without a version there is no such record any more.
CREATE OR REPLACE FUNCTION item_entry(p_id uuid, p_ref text, p_error text, p_effect text, p_version bigint,
                                      p_properties jsonb, p_list jsonb, p_extended jsonb, p_created_at timestamptz,
                                      p_updated_at timestamptz, p_omitted boolean) RETURNS text
LANGUAGE sql STABLE AS $$
  SELECT CASE WHEN p_error IS NULL THEN
      '{"id": "' || p_id::text || CASE WHEN p_ref IS NULL THEN '"' ELSE '", "ref": ' || to_json(p_ref)::text END
      || ', "status": "ok", "effect": "' || p_effect || '"'
      || CASE WHEN p_version IS NULL THEN '' ELSE ', "etag": "\"' || record_etag(p_version, p_updated_at) || '\""' END
      || CASE WHEN p_omitted THEN ', "record_omitted": true'
              WHEN p_properties IS NULL THEN ''
              ELSE ', "record": ' || record_json(p_id, p_properties, p_list, p_extended, p_created_at, p_updated_at) END
      || '}'
    ELSE '{"id": ' || COALESCE('"' || p_id::text || '"', 'null')
      || CASE WHEN p_ref IS NULL THEN '' ELSE ', "ref": ' || to_json(p_ref)::text END
      || ', "status": "error", "error": ' || p_error || '}' END
$$;
