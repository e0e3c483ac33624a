-- The properties with these slugs. NULL, the block of a list that the record is not in, has none.
CREATE OR REPLACE FUNCTION pick_properties(p_block jsonb, p_slugs text[]) RETURNS jsonb
LANGUAGE sql IMMUTABLE AS $$
  SELECT COALESCE(jsonb_object_agg(slug, p_block -> slug), '{}') FROM unnest(p_slugs) AS slug WHERE p_block ? slug
$$;
