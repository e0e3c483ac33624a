-- A record in the format of the API, as JSON text. The gateway copies it into the response without parsing it.
CREATE OR REPLACE FUNCTION record_json(p_id uuid, p_properties jsonb, p_list jsonb, p_extended jsonb,
                                       p_created_at timestamptz, p_updated_at timestamptz) RETURNS text
LANGUAGE sql STABLE AS $$
  SELECT '{"id": "' || p_id::text
      || '", "default": ' || CASE WHEN p_properties = '{}' THEN '{' ELSE left(p_properties::text, -1) || ', ' END
      || '"created_at": "' || format_timestamp(p_created_at)
      || '", "updated_at": "' || format_timestamp(p_updated_at) || '"}'
      || ', "list": ' || p_list::text
      || CASE WHEN p_extended = '{}' THEN '' ELSE ', "extended": ' || p_extended::text END
      || '}'
$$;
