-- Finds the request of an Idempotency-Key, or inserts it.
--
--   state  new       this is the first attempt
--          resume    an earlier attempt has not completed the request
--          complete  every item has its outcome
--          mismatch  the key stands for another request
--          stale     the key's lifetime has ended, and the key cannot be used again yet
--   day    the ledger day of the request
CREATE OR REPLACE FUNCTION claim_request(p_team_id uuid, p_client_id uuid, p_key_hash bytea, p_fingerprint bytea,
                                         p_lifetime interval, p_stale_for interval,
                                         OUT state text, OUT day date)
LANGUAGE plpgsql AS $$
DECLARE
  c_today    CONSTANT date := (now() AT TIME ZONE 'UTC')::date;
  v_existing idempotency_requests;
BEGIN
  INSERT INTO idempotency_requests AS q (team_id, client_id, key_hash, fingerprint, day)
  VALUES (p_team_id, p_client_id, p_key_hash, p_fingerprint, c_today)
  ON CONFLICT (team_id, client_id, key_hash) DO UPDATE
     SET fingerprint = EXCLUDED.fingerprint, day = EXCLUDED.day, complete = false, request_id = NULL, created_at = now()
   -- After its stale time a key is new again, even if retention has not deleted its row yet.
   WHERE q.created_at + p_lifetime + p_stale_for < now();
  IF FOUND THEN
    PERFORM ensure_ledger_partition(c_today);
    state := 'new';
    day := c_today;
    RETURN;
  END IF;

  SELECT * INTO STRICT v_existing FROM idempotency_requests AS q
   WHERE q.team_id = p_team_id AND q.client_id = p_client_id AND q.key_hash = p_key_hash;
  day := v_existing.day;
  state := CASE
    WHEN v_existing.created_at + p_lifetime < now() THEN 'stale'
    WHEN v_existing.fingerprint <> p_fingerprint THEN 'mismatch'
    WHEN v_existing.complete THEN 'complete'
    ELSE 'resume'
  END;
END
$$;
