-- The list blocks of a record after {"<list id>": <change of the block>}.
CREATE OR REPLACE FUNCTION patch_lists(p_current jsonb, p_changes jsonb) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
  v_result jsonb := p_current;
  v_block  record;
BEGIN
  IF jsonb_typeof(p_changes) = 'object' THEN
    FOR v_block IN SELECT key, value FROM jsonb_each(p_changes) LOOP
      v_result := v_result || jsonb_build_object(v_block.key, patch_block(v_result -> v_block.key, v_block.value));
    END LOOP;
  END IF;
  RETURN v_result;
END
$$;
