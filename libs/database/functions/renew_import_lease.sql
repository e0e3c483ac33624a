-- Extends the lease of a worker on a job. False: the worker has lost it. SECURITY DEFINER, like claim_import_job.
CREATE OR REPLACE FUNCTION renew_import_lease(p_team_id uuid, p_job_id uuid, p_owner uuid, p_lease interval) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
  UPDATE import_jobs AS j SET lease_until = now() + p_lease
   WHERE j.team_id = p_team_id AND j.id = p_job_id AND j.lease_owner = p_owner;
  RETURN FOUND;
END
$$;
REVOKE EXECUTE ON FUNCTION renew_import_lease FROM PUBLIC;
