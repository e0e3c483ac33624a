-- Stores the results of a chunk, unless another worker has. Returns the status of the job; NULL: another worker has stored them.
-- SECURITY DEFINER, like claim_import_job.
--
--   p_results  elements of a JSON array
--   p_overdue  the chunk was not attempted, because the job is too old
CREATE OR REPLACE FUNCTION store_import_chunk(p_team_id uuid, p_job_id uuid, p_chunk integer, p_results text,
                                              p_succeeded integer, p_failed integer, p_overdue boolean) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
  v_status text;
BEGIN
  UPDATE import_chunks AS c SET results = p_results, items = NULL
   WHERE c.team_id = p_team_id AND c.job_id = p_job_id AND c.chunk = p_chunk AND c.results IS NULL;
  IF NOT FOUND THEN
    RETURN NULL;
  END IF;
  UPDATE import_jobs AS j
     SET processed = j.processed + p_succeeded + p_failed, succeeded = j.succeeded + p_succeeded,
         failed = j.failed + p_failed, updated_at = now(),
         status = CASE WHEN j.processed + p_succeeded + p_failed < j.total THEN j.status
                       WHEN p_overdue THEN 'failed' ELSE 'complete' END
   WHERE j.team_id = p_team_id AND j.id = p_job_id
  RETURNING j.status INTO v_status;
  -- The changes of the chunk are on disk. After a crash of Postgres the ledger has its outcomes, and the results are stored again.
  IF v_status = 'processing' THEN
    PERFORM set_config('synchronous_commit', 'off', true);
  END IF;
  RETURN v_status;
END
$$;
REVOKE EXECUTE ON FUNCTION store_import_chunk FROM PUBLIC;
