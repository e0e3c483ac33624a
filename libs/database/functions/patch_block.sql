-- A block of properties after {"set": {...}, "clear": [...], "ops": {...}}. Each member is optional.
-- Raises PG003 if an operator would leave a required property without elements, and what increment_number raises.
CREATE OR REPLACE FUNCTION patch_block(p_current jsonb, p_change jsonb) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
  v_result   jsonb := COALESCE(p_current, '{}') || COALESCE(NULLIF(p_change -> 'set', 'null'), '{}');
  v_operator record;
BEGIN
  IF jsonb_typeof(p_change -> 'clear') = 'array' THEN
    v_result := v_result - ARRAY(SELECT jsonb_array_elements_text(p_change -> 'clear'));
  END IF;
  IF jsonb_typeof(p_change -> 'ops') = 'object' THEN
    FOR v_operator IN SELECT key, value FROM jsonb_each(p_change -> 'ops') LOOP
      v_result := v_result || jsonb_build_object(v_operator.key, CASE v_operator.value ->> 'op'
        WHEN 'increment' THEN increment_number(v_result -> v_operator.key, v_operator.value)
        ELSE apply_operator(v_result -> v_operator.key, v_operator.value)
      END);
      IF v_operator.value ? 'required' AND v_result -> v_operator.key = '[]' THEN
        RAISE EXCEPTION USING ERRCODE = 'PG003';
      END IF;
    END LOOP;
  END IF;
  RETURN v_result;
END
$$;
