-- The value of a bool property; NULL if it is none.
CREATE OR REPLACE FUNCTION boolean_value(p_value jsonb) RETURNS boolean
LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE WHEN jsonb_typeof(p_value) = 'boolean' THEN p_value::boolean END
$$;
