-- Creates an import job with its chunks, or finds what an earlier attempt with its Idempotency-Key has created. The job and the
-- request in the ledger are one transaction.
--
--   p_within_request  the caller imports the rows itself, and ends with complete_import_request
--   p_chunks          the items of the first chunks, as JSON text. The caller inserts the others in the same transaction
--   p_row_counts      the number of rows of each chunk
--   p_max_jobs        how many unfinished jobs a client may have
--   p_key_hash        NULL: without an Idempotency-Key
--
--   state         created   a new job
--                 resume    with p_within_request: an earlier attempt has created the job and not finished it
--                 complete  an earlier attempt has completed the request
--                 full      the client has p_max_jobs unfinished jobs; nothing was created
--                 mismatch, stale: see claim_request
--   job_id        of created and resume
--   items         of resume: those of the only chunk
--   body          of a job that was created, and of complete: the body of the response
CREATE OR REPLACE FUNCTION create_import_job(
  p_team_id uuid, p_job_id uuid, p_client_id uuid, p_client_name text, p_object_type text, p_within_request boolean,
  p_chunks text[], p_row_counts integer[], p_max_jobs integer, p_lock_timeout_ms integer, p_key_hash bytea,
  p_fingerprint bytea, p_key_lifetime_s integer, p_key_stale_s integer, p_request_id text,
  OUT state text, OUT job_id uuid, OUT items text, OUT body text)
LANGUAGE plpgsql AS $$
DECLARE
  c_total       CONSTANT integer := (SELECT sum(n) FROM unnest(p_row_counts) AS n);
  v_claim_state text;
  v_ledger_id   bigint; -- of the request, in the ledger
  v_day         date;
  v_job         import_jobs;
BEGIN
  PERFORM set_config('prism.team', p_team_id::text, true),
          set_config('lock_timeout', GREATEST(1, p_lock_timeout_ms)::text, true),
          set_config('synchronous_commit', replace(current_setting('synchronous_commit'), 'off', 'on'), true);
  PERFORM hold_placement(p_team_id);
  IF NOT p_within_request THEN
    -- One at a time for a client, so that the count is exact.
    PERFORM lock_key(p_team_id, hashtextextended('import ' || p_team_id || p_client_id, 0));
    IF (SELECT count(*) FROM import_jobs AS j
         WHERE j.team_id = p_team_id AND j.client_id = p_client_id AND j.status = 'processing'
           AND NOT j.within_request) >= p_max_jobs
      AND NOT EXISTS (SELECT FROM idempotency_requests AS q
                       WHERE q.team_id = p_team_id AND q.client_id = p_client_id AND q.key_hash = p_key_hash) THEN
      state := 'full';
      RETURN;
    END IF;
  END IF;

  IF p_key_hash IS NOT NULL THEN
    SELECT c.state, c.request_id, c.day INTO v_claim_state, v_ledger_id, v_day
      FROM claim_request(p_team_id, p_client_id, p_key_hash, p_fingerprint, make_interval(secs => p_key_lifetime_s),
                         make_interval(secs => p_key_stale_s), 1, false) AS c;
    IF v_claim_state IN ('mismatch', 'stale') THEN
      state := v_claim_state;
      RETURN;
    ELSIF v_claim_state = 'complete' THEN
      state := 'complete';
      body := (SELECT o.entries[1] FROM find_outcomes(v_day, p_team_id, v_ledger_id) AS o);
      -- A WAL record to flush: the commit that completed the request may still wait for a standby.
      PERFORM emit_flush_message(p_team_id);
      RETURN;
    ELSIF v_claim_state = 'resume' THEN
      state := 'resume';
      SELECT c.job_id, c.items INTO job_id, items
        FROM import_jobs AS j
        JOIN import_chunks AS c ON c.team_id = j.team_id AND c.job_id = j.id
       WHERE j.team_id = p_team_id AND j.ledger_id = v_ledger_id AND j.within_request;
      RETURN;
    END IF;
  END IF;

  state := 'created';
  job_id := p_job_id;
  INSERT INTO import_jobs AS j (team_id, id, client_id, client_name, object_type, request_id, ledger_id, within_request,
                                total, expires_at)
  VALUES (p_team_id, p_job_id, p_client_id, p_client_name, p_object_type, p_request_id, v_ledger_id, p_within_request,
          c_total, now() + interval '7 days')
  RETURNING j.* INTO v_job;
  INSERT INTO import_chunks (team_id, job_id, chunk, row_count, items)
  SELECT p_team_id, p_job_id, c.n - 1, c.row_count, c.items
    FROM unnest(p_chunks, p_row_counts) WITH ORDINALITY AS c (items, row_count, n)
   WHERE c.items IS NOT NULL;
  IF NOT p_within_request THEN
    body := import_job_json(v_job, '');
    IF v_claim_state IS NOT NULL THEN
      PERFORM complete_request(p_team_id, p_client_id, p_key_hash, p_request_id, body, NULL);
    END IF;
  END IF;
END
$$;
