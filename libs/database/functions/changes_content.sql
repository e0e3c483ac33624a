-- Whether an update, an item as apply_item takes it, changes the content of a record.
CREATE OR REPLACE FUNCTION changes_content(p_item jsonb, p_properties jsonb, p_list jsonb, p_extended jsonb) RETURNS boolean
LANGUAGE sql IMMUTABLE AS $$
  SELECT patch_block(p_properties, p_item -> 'default') <> p_properties
      OR patch_lists(p_list, p_item -> 'list') <> p_list
      OR patch_block(p_extended, p_item -> 'extended') <> p_extended
$$;
