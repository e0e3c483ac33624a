-- The key of the advisory lock on a value of a property; with NULL, of the lock on the property.
--
-- A team has 1,024 locks for all its values, because Postgres has room for some thousand locks of all transactions, and a batch
-- that is one transaction can have thousands of values. Values that share a lock by chance wait for each other.
--
-- The number is cast to text, because || with a number is only STABLE. Postgres inlines the function only if it is IMMUTABLE.
CREATE OR REPLACE FUNCTION lookup_lock_key(p_team_id uuid, p_property_id uuid, p_value_hash bytea) RETURNS bigint
LANGUAGE sql IMMUTABLE AS $$
  SELECT hashtextextended(p_team_id::text || CASE WHEN p_value_hash IS NULL THEN p_property_id::text
           ELSE ' value ' || ((get_byte(p_value_hash, 0) & 3) * 256 + get_byte(p_value_hash, 1))::text END, 0)
$$;
