-- The value of a number property; NULL if it is none, such as a value from before the property had its type.
CREATE OR REPLACE FUNCTION number_value(p_value jsonb) RETURNS numeric
LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE WHEN jsonb_typeof(p_value) = 'number' THEN p_value::numeric END
$$;
