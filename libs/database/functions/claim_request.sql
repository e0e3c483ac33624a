-- Finds the request of an Idempotency-Key, or inserts it.
--
--   p_items     how many items the request has
--   p_progress  whether it has a progress row. Without one the request is one transaction, and a request row that is not
--               complete stays locked until its end, so that only one attempt runs at a time
--
--   state       new       this is the first attempt
--               resume    an earlier attempt has not completed the request
--               complete  every item has its outcome
--               mismatch  the key stands for another request
--               stale     the key's lifetime has ended, and the key cannot be used again yet
--   request_id  of the request, in the ledger
--   day         of the request, in the ledger
--   created_at  of the request, in the ledger
CREATE OR REPLACE FUNCTION claim_request(p_team_id uuid, p_client_id uuid, p_key_hash bytea, p_fingerprint bytea,
                                         p_lifetime interval, p_stale_for interval, p_items integer, p_progress boolean,
                                         OUT state text, OUT request_id bigint, OUT day date, OUT created_at timestamptz)
LANGUAGE plpgsql AS $$
DECLARE
  v_existing record; -- a row of idempotency_requests
BEGIN
  LOOP
    INSERT INTO idempotency_requests AS q (team_id, client_id, key_hash, id, fingerprint, item_count, day)
    VALUES (p_team_id, p_client_id, p_key_hash, nextval('idempotency_request_ids'), p_fingerprint, p_items,
            (now() AT TIME ZONE 'UTC')::date)
    ON CONFLICT (team_id, client_id, key_hash) DO NOTHING
    RETURNING q.id, q.day, q.created_at INTO request_id, day, created_at;
    EXIT WHEN FOUND;

    SELECT * INTO v_existing FROM idempotency_requests AS q
     WHERE q.team_id = p_team_id AND q.client_id = p_client_id AND q.key_hash = p_key_hash;
    CONTINUE WHEN NOT FOUND; -- retention has deleted the row since
    IF NOT p_progress AND NOT v_existing.complete AND v_existing.fingerprint = p_fingerprint THEN
      SELECT * INTO v_existing FROM idempotency_requests AS q
       WHERE q.team_id = p_team_id AND q.client_id = p_client_id AND q.key_hash = p_key_hash
         FOR UPDATE;
      CONTINUE WHEN NOT FOUND;
    END IF;

    IF v_existing.created_at + p_lifetime + p_stale_for < now() THEN
      -- After its stale time a key is new again, even if retention has not deleted its row yet.
      UPDATE idempotency_requests AS q
         SET id = nextval('idempotency_request_ids'), fingerprint = p_fingerprint, item_count = p_items,
             day = (now() AT TIME ZONE 'UTC')::date, complete = false, completed_by = NULL, created_at = now()
       WHERE q.team_id = p_team_id AND q.client_id = p_client_id AND q.key_hash = p_key_hash AND q.id = v_existing.id
      RETURNING q.id, q.day, q.created_at INTO request_id, day, created_at;
      CONTINUE WHEN NOT FOUND; -- another attempt was first
      DELETE FROM idempotency_progress AS p WHERE p.team_id = p_team_id AND p.request_id = v_existing.id;
      EXIT;
    END IF;

    request_id := v_existing.id;
    day := v_existing.day;
    created_at := v_existing.created_at;
    state := CASE
      WHEN v_existing.created_at + p_lifetime < now() THEN 'stale'
      WHEN v_existing.fingerprint <> p_fingerprint THEN 'mismatch'
      WHEN v_existing.complete THEN 'complete'
      ELSE 'resume'
    END;
    RETURN;
  END LOOP;

  state := 'new';
  IF p_progress THEN
    -- Inserted by the transaction that inserts or renews the request row, and never again: if it is missing, the request is
    -- complete.
    INSERT INTO idempotency_progress (team_id, request_id, settled)
    VALUES (p_team_id, request_id, decode(repeat('00', (p_items + 7) / 8), 'hex'));
  END IF;
END
$$;
