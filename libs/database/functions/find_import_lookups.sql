-- The lookups that the team of a job has defined for its object type now, in any state. SECURITY DEFINER: the worker's role cannot
-- read definitions.
CREATE OR REPLACE FUNCTION find_import_lookups(p_team_id uuid, p_job_id uuid)
RETURNS TABLE (id uuid, slug text, type text, list_id uuid, lookup text, lookup_state text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
  RETURN QUERY
    SELECT d.id, d.slug, d.type, d.list_id, d.lookup, d.lookup_state
      FROM property_definitions AS d
     WHERE d.team_id = p_team_id AND d.lookup_state IS NOT NULL
       AND d.object_type = (SELECT j.object_type FROM import_jobs AS j WHERE j.team_id = p_team_id AND j.id = p_job_id)
     ORDER BY d.created_at, d.id;
END
$$;
REVOKE EXECUTE ON FUNCTION find_import_lookups FROM PUBLIC;
