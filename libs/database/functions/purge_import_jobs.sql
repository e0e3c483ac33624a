-- Deletes up to p_limit expired import jobs with their chunks, the oldest first, of all teams. Returns how many. SECURITY DEFINER,
-- so that the worker's role needs no privilege to delete.
CREATE OR REPLACE FUNCTION purge_import_jobs(p_limit integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
  v_count integer := 0;
  v_job   record;
BEGIN
  IF is_cluster() THEN
    -- A cluster locks rows of one team at a time.
    FOR v_job IN SELECT e.team_id, e.id FROM import_jobs AS e WHERE e.expires_at <= now() ORDER BY e.expires_at LIMIT p_limit LOOP
      DELETE FROM import_jobs AS j WHERE j.team_id = v_job.team_id AND j.id = v_job.id AND j.expires_at <= now();
      CONTINUE WHEN NOT FOUND;
      DELETE FROM import_chunks AS c WHERE c.team_id = v_job.team_id AND c.job_id = v_job.id;
      v_count := v_count + 1;
    END LOOP;
    RETURN v_count;
  END IF;
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
  SELECT count(*) INTO v_count FROM purged;
  RETURN v_count;
END
$$;
REVOKE EXECUTE ON FUNCTION purge_import_jobs FROM PUBLIC;
