-- The engine: applies a whole plan in one round trip, each item in a transaction of its own.

-- Finds the request of a key, or makes it: what a key's first use fixes for all its later ones.
--
--   state     new       no attempt before this one
--             resume    an earlier attempt did not finish
--             complete  every item has its outcome
--             mismatch  the key stands for another request
--             stale     the key's lifetime is over, and it may not be used again yet
CREATE FUNCTION claim_request(p_team uuid, p_client uuid, p_key_hash bytea, p_fingerprint bytea,
                              p_lifetime interval, p_stale_for interval,
                              OUT state text, OUT day date)
LANGUAGE plpgsql AS $$
DECLARE
  v_today    date := (now() AT TIME ZONE 'UTC')::date;
  v_existing idempotency_requests;
BEGIN
  INSERT INTO idempotency_requests AS q (team_id, client_id, key_hash, fingerprint, day)
  VALUES (p_team, p_client, p_key_hash, p_fingerprint, v_today)
  ON CONFLICT (team_id, client_id, key_hash) DO UPDATE
     SET fingerprint = EXCLUDED.fingerprint, day = EXCLUDED.day, complete = false, request_id = NULL, created_at = now()
   -- A key whose stale time is over as well is as good as new, whether or not its row was purged yet.
   WHERE q.created_at + p_lifetime + p_stale_for < now();
  IF FOUND THEN
    PERFORM ensure_ledger_partition(v_today);
    state := 'new';
    day := v_today;
    RETURN;
  END IF;

  SELECT * INTO STRICT v_existing FROM idempotency_requests AS q
   WHERE q.team_id = p_team AND q.client_id = p_client AND q.key_hash = p_key_hash;
  day := v_existing.day;
  state := CASE
    WHEN v_existing.created_at + p_lifetime < now() THEN 'stale'
    WHEN v_existing.fingerprint <> p_fingerprint THEN 'mismatch'
    WHEN v_existing.complete THEN 'complete'
    ELSE 'resume'
  END;
END
$$;

-- Writes the outcome of an item, and says whether it is the first one: of two attempts only one can.
CREATE FUNCTION keep_outcome(p_day date, p_team uuid, p_client uuid, p_key_hash bytea, p_n integer, p_code text, p_entry text)
RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO idempotency_items (day, team_id, client_id, key_hash, item, code, entry)
  VALUES (p_day, p_team, p_client, p_key_hash, p_n, p_code, p_entry)
  ON CONFLICT DO NOTHING;
  RETURN FOUND;
END
$$;

-- Applies one item so that a failure leaves nothing behind of it, and with a key writes its outcome in the same breath.
--
--   source   0 run now; 1 another attempt was first: code and entry are its outcome
--   fault    what stands behind `internal`, for the log
CREATE FUNCTION try_item(p_team uuid, p_object text, p_item jsonb, p_minimal boolean, p_record_limit integer, p_errors jsonb,
                         p_day date, p_client uuid, p_key_hash bytea,
                         OUT code text, OUT entry text, OUT source text, OUT fault text)
LANGUAGE plpgsql AS $$
DECLARE
  n CONSTANT integer := p_item ->> 'n';
BEGIN
  source := '0';
  BEGIN
    SELECT a.code, a.entry INTO code, entry
      FROM apply_item(p_team, p_object, p_item, p_minimal, p_record_limit, p_errors) AS a;
    IF p_key_hash IS NULL THEN
      RETURN;
    END IF;
    IF keep_outcome(p_day, p_team, p_client, p_key_hash, n, code, entry) THEN
      RETURN;
    END IF;
    RAISE EXCEPTION USING ERRCODE = 'PG001'; -- undoes the change: another attempt has made it
  EXCEPTION
    WHEN SQLSTATE 'PG001' THEN source := '1';
    WHEN lock_not_available OR deadlock_detected OR serialization_failure THEN code := 'locked';
    WHEN SQLSTATE 'PG002' THEN code := 'too_large';
    WHEN unique_violation OR exclusion_violation THEN code := 'conflict';
    WHEN query_canceled THEN code := 'not_attempted';
    WHEN insufficient_resources OR system_error THEN code := 'unavailable';
    WHEN OTHERS THEN
      code := 'internal';
      fault := SQLSTATE; -- no more: the message may hold values of the record
  END;

  IF source = '0' THEN
    entry := failed_entry(p_item, p_errors ->> code);
    -- These two are outcomes like any other; the rest a retry may still change.
    IF code NOT IN ('conflict', 'too_large') OR p_key_hash IS NULL
       OR keep_outcome(p_day, p_team, p_client, p_key_hash, n, code, entry) THEN
      RETURN;
    END IF;
    source := '1';
  END IF;

  SELECT i.code, i.entry INTO STRICT code, entry FROM idempotency_items AS i
   WHERE i.day = p_day AND i.team_id = p_team AND i.client_id = p_client AND i.key_hash = p_key_hash AND i.item = n;
END
$$;

-- Applies a plan.
--
--   p_items          JSON array of items as apply_item takes them, each with "n", its place in the request (from 1)
--   p_together       one transaction; if any item fails, nothing changes and the others are rolled_back.
--                    Otherwise a transaction an item, in the order given
--   p_dry            all in one transaction that is rolled back: the answer says what would have been
--   p_stop           after the first failure the rest is not_attempted
--   p_minimal        entries without the record
--   p_item_durable   flush after every item instead of once at the end
--   p_record_limit   the most bytes that a record may have after a change
--   p_lock_ms        how long an item waits for a record that another transaction holds
--   p_budget_ms      what is not begun by then is not_attempted
--   p_errors         error objects as JSON text by code
--   p_client .. p_request_id
--                    the key; p_key_hash is NULL without one, and then nothing is written to the ledger
--
--   state            executed, resumed, replayed (every outcome is from the ledger), mismatch, stale
--   entries          one a line, in request order (JSON text has no line breaks)
--   codes            comma separated: empty for an applied item, else the item error code
--   sources          one character an item: 0 run now, 1 from the ledger
--   micros           comma separated: how long each item took, in microseconds
--   answered_as      the request id of the attempt that completed the request; NULL while it is not complete
--   faults           JSON {"<n>": "<SQLSTATE>"} of the items that are `internal`: for the log, not for the caller
--
-- The answer may leave as soon as this returns: the last commit that wrote is a synchronous one, and WAL is flushed in
-- order, so every commit before it is durable too. The settings made here are the session's, since a transaction's own
-- would have to be made again for every item; a call that fails leaves them behind, so its connection must be dropped.
CREATE PROCEDURE apply_batch(
  p_team uuid, p_object text, p_items jsonb, p_together boolean, p_dry boolean, p_stop boolean, p_minimal boolean,
  p_item_durable boolean, p_record_limit integer, p_lock_ms integer, p_budget_ms integer, p_errors jsonb,
  p_client uuid, p_key_hash bytea, p_fingerprint bytea, p_lifetime_s integer, p_stale_s integer, p_request_id text,
  INOUT state text, INOUT entries text, INOUT codes text, INOUT sources text, INOUT micros text,
  INOUT answered_as text, INOUT faults text)
LANGUAGE plpgsql AS $$
DECLARE
  -- What a retry may still change, and is therefore never an outcome.
  c_open    CONSTANT text[] := ARRAY['locked', 'not_attempted', 'rolled_back', 'unavailable', 'internal'];
  c_keyed   CONSTANT boolean := p_key_hash IS NOT NULL;
  c_grouped CONSTANT boolean := p_together OR p_dry;
  c_count   CONSTANT integer := jsonb_array_length(p_items);
  c_items   CONSTANT jsonb[] := ARRAY(SELECT jsonb_array_elements(p_items));
  c_until   CONSTANT timestamptz := clock_timestamp() + make_interval(secs => p_budget_ms / 1000.0);

  v_entries text[] := array_fill(NULL::text, ARRAY[c_count]);
  v_codes   text[] := array_fill(NULL::text, ARRAY[c_count]);
  v_sources text[] := array_fill('0'::text, ARRAY[c_count]);
  v_micros  text[] := array_fill('0'::text, ARRAY[c_count]);
  v_faults  jsonb := '{}';

  v_day     date;
  v_item    jsonb;
  v_result  record;
  v_began   timestamptz;
  v_now     timestamptz;
  v_lock_ms integer := p_lock_ms;
  v_left_ms integer;
  v_failed  integer; -- the first place in the request that failed
  v_over    boolean := false; -- canceled: nothing more is begun
  v_wrote   boolean := c_keyed;
  v_taken   boolean := false;
  n         integer;
BEGIN
  PERFORM set_config('lock_timeout', p_lock_ms::text, false),
          set_config('synchronous_commit', CASE WHEN NOT c_grouped AND NOT p_item_durable THEN 'off'
            ELSE replace(current_setting('synchronous_commit'), 'off', 'on') END, false); -- remote_apply stays
  COMMIT;

  -- 1. The key: what its first use fixed.
  state := 'executed';
  IF c_keyed THEN
    SELECT * INTO v_result FROM claim_request(p_team, p_client, p_key_hash, p_fingerprint,
      make_interval(secs => p_lifetime_s), make_interval(secs => p_stale_s));
    v_day := v_result.day;
    IF v_result.state IN ('mismatch', 'stale') THEN
      state := v_result.state;
      RESET lock_timeout;
      RESET synchronous_commit;
      RETURN;
    END IF;
    COMMIT;
    IF v_result.state <> 'new' THEN
      state := 'resumed';
      FOR v_result IN
        SELECT i.item, i.code, i.entry FROM idempotency_items AS i
         WHERE i.day = v_day AND i.team_id = p_team AND i.client_id = p_client AND i.key_hash = p_key_hash
      LOOP
        v_entries[v_result.item] := v_result.entry;
        v_codes[v_result.item] := v_result.code;
        v_sources[v_result.item] := '1';
      END LOOP;
    END IF;
  END IF;

  -- 2. The items, one after the other.
  v_now := clock_timestamp();
  FOREACH v_item IN ARRAY c_items LOOP
    n := v_item ->> 'n';
    v_began := v_now;
    IF v_sources[n] = '0' THEN
      v_left_ms := 1000 * EXTRACT(EPOCH FROM c_until - v_now);
      IF v_over OR v_left_ms <= 0 OR (p_stop AND NOT c_grouped AND v_failed IS NOT NULL) THEN
        v_codes[n] := 'not_attempted';
        v_entries[n] := failed_entry(v_item, p_errors ->> 'not_attempted');
      ELSE
        IF v_left_ms < v_lock_ms THEN -- no one waits for a lock beyond the caller's deadline
          v_lock_ms := v_left_ms;
          PERFORM set_config('lock_timeout', v_lock_ms::text, false);
        END IF;
        SELECT * INTO v_result FROM try_item(p_team, p_object, v_item, p_minimal, p_record_limit, p_errors,
          v_day, p_client, CASE WHEN NOT c_grouped THEN p_key_hash END);
        v_codes[n] := v_result.code;
        v_entries[n] := v_result.entry;
        v_sources[n] := v_result.source;
        v_wrote := v_wrote OR v_result.code IS NULL;
        v_over := v_result.source = '0' AND v_result.code IS NOT DISTINCT FROM 'not_attempted';
        IF v_result.fault IS NOT NULL THEN
          v_faults := v_faults || jsonb_build_object(n, v_result.fault);
        END IF;
        IF NOT c_grouped THEN
          COMMIT;
        END IF;
        v_now := clock_timestamp();
        v_micros[n] := round(1000000 * EXTRACT(EPOCH FROM v_now - v_began))::text;
      END IF;
    END IF;
    IF v_codes[n] IS NOT NULL THEN
      v_failed := LEAST(v_failed, n);
    END IF;
  END LOOP;

  -- 3. One transaction for all: keep it or drop it whole.
  IF c_grouped THEN
    IF v_failed IS NOT NULL OR p_dry THEN
      ROLLBACK;
      FOREACH v_item IN ARRAY c_items LOOP
        n := v_item ->> 'n';
        IF p_stop AND n > v_failed THEN
          v_codes[n] := 'not_attempted';
          v_entries[n] := failed_entry(v_item, p_errors ->> 'not_attempted');
        ELSIF p_together AND v_failed IS NOT NULL AND v_codes[n] IS NULL THEN
          v_codes[n] := 'rolled_back';
          v_entries[n] := failed_entry(v_item, p_errors ->> 'rolled_back');
        END IF;
      END LOOP;
    END IF;
    IF c_keyed THEN
      FOR n IN 1 .. c_count LOOP
        IF v_sources[n] = '0' AND (v_codes[n] IS NULL OR v_codes[n] <> ALL (c_open)) THEN
          v_taken := NOT keep_outcome(v_day, p_team, p_client, p_key_hash, n, v_codes[n], v_entries[n]);
          EXIT WHEN v_taken;
        END IF;
      END LOOP;
      IF v_taken THEN
        ROLLBACK; -- another attempt has settled these items: its outcomes stand, and ours did not happen
        FOREACH v_item IN ARRAY c_items LOOP
          n := v_item ->> 'n';
          SELECT i.code, i.entry, '1' AS source INTO v_result FROM idempotency_items AS i
           WHERE i.day = v_day AND i.team_id = p_team AND i.client_id = p_client AND i.key_hash = p_key_hash AND i.item = n;
          v_sources[n] := COALESCE(v_result.source, '0');
          v_codes[n] := CASE WHEN v_result.source IS NULL THEN 'rolled_back' ELSE v_result.code END;
          v_entries[n] := COALESCE(v_result.entry, failed_entry(v_item, p_errors ->> 'rolled_back'));
        END LOOP;
      END IF;
    END IF;
    COMMIT;
  END IF;

  -- 4. The flush: the one commit that waits for the disk, and with it for every commit before.
  RESET lock_timeout;
  RESET synchronous_commit;
  IF current_setting('synchronous_commit') = 'off' THEN
    PERFORM set_config('synchronous_commit', 'on', true);
  END IF;
  IF c_keyed AND NOT v_codes && c_open THEN
    UPDATE idempotency_requests AS q SET complete = true, request_id = p_request_id
     WHERE q.team_id = p_team AND q.client_id = p_client AND q.key_hash = p_key_hash AND NOT q.complete;
    SELECT q.request_id INTO answered_as FROM idempotency_requests AS q
     WHERE q.team_id = p_team AND q.client_id = p_client AND q.key_hash = p_key_hash;
  ELSIF v_wrote AND NOT c_grouped AND (NOT p_item_durable OR state = 'resumed') THEN
    -- What a resumed call took from the ledger may be of a call that has not flushed yet.
    PERFORM pg_logical_emit_message(true, 'prism_gateway', '');
  END IF;
  COMMIT;

  IF c_keyed AND '0' <> ALL (v_sources) THEN
    state := 'replayed';
  END IF;
  entries := array_to_string(v_entries, E'\n');
  codes := array_to_string(v_codes, ',', '');
  sources := array_to_string(v_sources, '');
  micros := array_to_string(v_micros, ',');
  faults := v_faults::text;
END
$$;
