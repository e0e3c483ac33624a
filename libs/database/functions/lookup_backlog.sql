-- Counts the lookups of all teams that are unfinished or have failed. SECURITY DEFINER: the worker's role cannot read definitions.
--
--   building, verifying, removing
--                   the unfinished ones, by state
--   failed          unique lookups that could not be verified, because some records had equal values
--   oldest_seconds  the time since the definition of the oldest unfinished one changed; 0 if none is unfinished
CREATE OR REPLACE FUNCTION lookup_backlog(OUT building integer, OUT verifying integer, OUT removing integer, OUT failed integer,
                                          OUT oldest_seconds double precision)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT AS $$
  SELECT count(*) FILTER (WHERE d.lookup_state = 'building')::integer,
         count(*) FILTER (WHERE d.lookup_state = 'verifying')::integer,
         count(*) FILTER (WHERE d.lookup_state = 'removing')::integer,
         count(*) FILTER (WHERE d.lookup_state = 'failed')::integer,
         COALESCE(EXTRACT(EPOCH FROM now() - min(d.lookup_since) FILTER (WHERE d.lookup_state <> 'failed')), 0)::double precision
    FROM property_definitions AS d
   WHERE d.lookup_state IN ('building', 'verifying', 'removing', 'failed')
$$;
REVOKE EXECUTE ON FUNCTION lookup_backlog FROM PUBLIC;
