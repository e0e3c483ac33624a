-- Takes the next chunk of a job, for the worker that has its lease. The attempt is counted before it begins, so that a chunk that
-- crashes its worker is not attempted forever. No row: no chunk may be attempted now. SECURITY DEFINER, like claim_import_job.
--
--   p_running  the chunks that the worker runs already
--   attempts   including this one
--   overdue    the job is older than 6 days: fail its chunks, so that their results can be read for a day
CREATE OR REPLACE FUNCTION take_import_chunk(p_team_id uuid, p_job_id uuid, p_owner uuid, p_running integer[])
RETURNS TABLE (chunk integer, items text, attempts integer, overdue boolean)
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
  v_next record;
BEGIN
  -- A crash of Postgres may lose the last count: then one more attempt is made.
  PERFORM set_config('synchronous_commit', 'off', true);
  SELECT c.chunk, c.attempts + 1 AS attempts, j.created_at INTO v_next
    FROM import_jobs AS j
    JOIN import_chunks AS c ON c.team_id = j.team_id AND c.job_id = j.id
   WHERE j.team_id = p_team_id AND j.id = p_job_id AND j.lease_owner = p_owner AND j.status = 'processing'
     AND c.results IS NULL AND c.next_attempt_at <= now() AND c.chunk <> ALL (p_running)
   ORDER BY c.chunk
   LIMIT 1
     FOR UPDATE OF c SKIP LOCKED;
  IF NOT FOUND THEN
    RETURN;
  END IF;
  chunk := v_next.chunk;
  attempts := v_next.attempts;
  overdue := v_next.created_at + interval '6 days' <= now();
  UPDATE import_chunks AS c
     SET attempts = v_next.attempts,
         next_attempt_at = now() + LEAST(interval '1 minute', interval '200 milliseconds' * 2 ^ LEAST(v_next.attempts - 1, 20))
   WHERE c.team_id = p_team_id AND c.job_id = p_job_id AND c.chunk = v_next.chunk
  RETURNING c.items INTO items;
  RETURN NEXT;
END
$$;
REVOKE EXECUTE ON FUNCTION take_import_chunk FROM PUBLIC;
