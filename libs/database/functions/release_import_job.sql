-- Ends the lease of a worker on a job. The next worker takes it as soon as one of its chunks may be attempted. SECURITY DEFINER, like
-- claim_import_job.
CREATE OR REPLACE FUNCTION release_import_job(p_team_id uuid, p_job_id uuid, p_owner uuid) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
  v_next timestamptz := (SELECT min(c.next_attempt_at) FROM import_chunks AS c
                          WHERE c.team_id = p_team_id AND c.job_id = p_job_id AND c.results IS NULL);
BEGIN
  v_next := COALESCE(v_next, now());
  UPDATE import_jobs AS j SET lease_owner = NULL, lease_until = NULL, next_attempt_at = v_next
   WHERE j.team_id = p_team_id AND j.id = p_job_id AND j.lease_owner = p_owner;
END
$$;
REVOKE EXECUTE ON FUNCTION release_import_job FROM PUBLIC;
