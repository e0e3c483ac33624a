-- The key of the advisory lock on a value of a property; with NULL, of the lock on the property.
CREATE OR REPLACE FUNCTION lookup_lock(p_team_id uuid, p_property_id uuid, p_value_hash bytea) RETURNS bigint
LANGUAGE sql IMMUTABLE AS $$
  SELECT hashtextextended(p_team_id::text || p_property_id::text || COALESCE(encode(p_value_hash, 'hex'), ''), 0)
$$;
