-- Deletes up to p_limit expired import jobs with their chunks, the oldest first, of all teams. Returns how many. SECURITY DEFINER,
-- so that the worker's role needs no privilege to delete.
CREATE OR REPLACE FUNCTION purge_import_jobs(p_limit integer) RETURNS integer
LANGUAGE sql SECURITY DEFINER SET search_path FROM CURRENT AS $$
  WITH purged AS (
    DELETE FROM import_jobs AS j
     WHERE j.expires_at <= now()
       AND j.ctid = ANY (ARRAY(
             SELECT e.ctid FROM import_jobs AS e WHERE e.expires_at <= now() ORDER BY e.expires_at LIMIT p_limit
                FOR UPDATE SKIP LOCKED))
    RETURNING j.team_id, j.id
  ), chunks AS (
    DELETE FROM import_chunks AS c USING purged WHERE c.team_id = purged.team_id AND c.job_id = purged.id
  )
  SELECT count(*)::integer FROM purged
$$;
REVOKE EXECUTE ON FUNCTION purge_import_jobs FROM PUBLIC;
