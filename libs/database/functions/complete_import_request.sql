-- Completes the request of an import that was done within the request: stores the body of its response in the ledger, and lets
-- retention remove the job. Of two attempts the first one stores its body, and both return that.
--
--   state  complete, or stale: the key has expired since, and was used again or deleted
CREATE OR REPLACE FUNCTION complete_import_request(
  p_team_id uuid, p_job_id uuid, p_client_id uuid, p_key_hash bytea, p_lock_timeout_ms integer, p_request_id text,
  INOUT body text, OUT state text)
LANGUAGE plpgsql AS $$
DECLARE
  v_request idempotency_requests;
BEGIN
  PERFORM set_config('prism.team', p_team_id::text, true),
          set_config('lock_timeout', GREATEST(1, p_lock_timeout_ms)::text, true),
          set_config('synchronous_commit', replace(current_setting('synchronous_commit'), 'off', 'on'), true);
  PERFORM hold_placement(p_team_id);
  SELECT q.* INTO v_request
    FROM import_jobs AS j
    JOIN idempotency_requests AS q ON q.team_id = j.team_id AND q.id = j.ledger_id
   WHERE j.team_id = p_team_id AND j.id = p_job_id AND q.client_id = p_client_id AND q.key_hash = p_key_hash
     FOR UPDATE OF q;
  IF NOT FOUND THEN
    state := 'stale';
    RETURN;
  END IF;
  state := 'complete';
  IF v_request.complete THEN
    body := (SELECT o.entries[1] FROM find_outcomes(v_request.day, p_team_id, v_request.id) AS o);
    PERFORM emit_flush_message(p_team_id);
    RETURN;
  END IF;
  PERFORM complete_request(p_team_id, p_client_id, p_key_hash, p_request_id, body, NULL);
  UPDATE import_jobs AS j SET status = 'complete', expires_at = now() WHERE j.team_id = p_team_id AND j.id = p_job_id;
END
$$;
