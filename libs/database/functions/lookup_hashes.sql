-- The hashes of the values of a JSON array. A constant for the planner, which a set of rows would not be.
CREATE OR REPLACE FUNCTION lookup_hashes(p_kind text, p_values jsonb) RETURNS bytea[]
LANGUAGE sql IMMUTABLE AS $$
  SELECT array_agg(lookup_hash(p_kind, value)) FROM jsonb_array_elements(p_values) AS value
$$;
