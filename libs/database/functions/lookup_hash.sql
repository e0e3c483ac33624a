-- The hash that a lookup stores for a value. Values that filters compare as equal have equal hashes. NULL if there is no value, or
-- if it is not of the kind of the property.
--
--   p_kind  text, number or date
--
-- STABLE as convert_to is: Postgres does not inline an IMMUTABLE function with it, and would parse and plan it for every statement.
-- The conditions are complete expressions: Citus cannot write CASE p_kind WHEN 'number' as text after the function is inlined.
CREATE OR REPLACE FUNCTION lookup_hash(p_kind text, p_value jsonb) RETURNS bytea
LANGUAGE sql STABLE AS $$
  SELECT sha256(convert_to(
    CASE
      WHEN p_kind = 'number' THEN trim_scale(number_value(p_value))::text
      WHEN p_kind = 'date' THEN trim_scale(extract(epoch FROM date_value(p_value)))::text
      ELSE p_value #>> '{}'
    END, 'UTF8'))
$$;
