-- Whether an update, an item as apply_item takes it, changes the content of a record.
CREATE OR REPLACE FUNCTION is_changed(p_record records, p_item jsonb) RETURNS boolean
LANGUAGE sql IMMUTABLE AS $$
  SELECT patch_block(p_record.properties, p_item -> 'default') <> p_record.properties
      OR patch_lists(p_record.list, p_item -> 'list') <> p_record.list
      OR patch_block(p_record.extended, p_item -> 'extended') <> p_record.extended
$$;
