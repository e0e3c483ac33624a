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
CREATE FUNCTION keep_outcome(p_day date, p_team uuid, p_client uuid, p_key_hash bytea, p_n integer, p_code text,
                             p_error text, p_image record_image) RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO idempotency_items (day, team_id, client_id, key_hash, item, code, error, image)
  VALUES (p_day, p_team, p_client, p_key_hash, p_n, p_code, p_error, p_image)
  ON CONFLICT DO NOTHING;
  RETURN FOUND;
END
$$;

-- What became of an item whose change was undone by an error.
--
--   p_state  the error's SQLSTATE
--   p_errors as in apply_batch
--   p_day    NULL where the ledger takes no outcome
--   source   0 it failed now; 1 another attempt was first: the rest is its outcome
--   fault    what stands behind `internal`, for the log; no more, for the message may hold values of the record
CREATE FUNCTION settle_failure(p_state text, p_errors text, p_day date, p_team uuid, p_client uuid, p_key_hash bytea,
                               p_n integer,
                               OUT source text, OUT code text, OUT error text, OUT image record_image, OUT fault text)
LANGUAGE plpgsql AS $$
DECLARE
  v_first idempotency_items;
BEGIN
  source := '0';
  code := CASE
    WHEN p_state IN ('55P03', '40P01', '40001') THEN 'locked' -- lock_not_available, deadlock_detected, serialization_failure
    WHEN p_state IN ('PG002', '54000') THEN 'too_large' -- 54000: program_limit_exceeded
    WHEN p_state = 'PG003' THEN 'required_property'
    WHEN p_state IN ('23505', '23P01') THEN 'conflict' -- unique_violation, exclusion_violation
    WHEN p_state = '57014' THEN 'not_attempted' -- query_canceled
    WHEN left(p_state, 2) IN ('53', '58') THEN 'unavailable' -- insufficient_resources, system_error
    ELSE 'internal'
  END;
  IF code = 'internal' THEN
    fault := p_state;
  END IF;
  error := p_errors::json ->> code;
  -- These are outcomes like any other; the rest a retry may still change. And the uniqueness that refused the item may
  -- have been the ledger's: then another attempt was first.
  IF p_day IS NOT NULL AND code IN ('conflict', 'too_large', 'required_property')
     AND NOT keep_outcome(p_day, p_team, p_client, p_key_hash, p_n, code, error, NULL) THEN
    source := '1';
    SELECT i.* INTO STRICT v_first FROM idempotency_items AS i
     WHERE i.day = p_day AND i.team_id = p_team AND i.client_id = p_client AND i.key_hash = p_key_hash AND i.item = p_n;
    code := v_first.code;
    error := v_first.error;
    image := v_first.image;
  END IF;
END
$$;

-- Renders the response entries of a batch, one a line (JSON text has no line breaks).
--
--   p_errors          error objects as JSON text, where they are not the usual ones of the code
--   p_catalogue       as p_errors in apply_batch
--   p_without_records leave out every record
CREATE FUNCTION render_entries(p_ids uuid[], p_codes text[], p_errors text[], p_images record_image[], p_catalogue text,
                               p_without_records boolean) RETURNS text
LANGUAGE sql STABLE AS $$
  SELECT string_agg(
           item_entry(COALESCE(o.id, o.item_id), o.error_text, o.version,
                      CASE WHEN NOT p_without_records THEN o.properties END, o.list, o.extended, o.created_at, o.updated_at,
                      o.omitted OR (p_without_records AND o.properties IS NOT NULL)), E'\n')
    FROM (
      SELECT i.*, CASE WHEN i.code IS NOT NULL THEN COALESCE(i.error, p_catalogue::json ->> i.code) END AS error_text
        FROM ROWS FROM (unnest(p_ids), unnest(p_codes), unnest(p_errors), unnest(p_images))
          AS i (item_id, code, error, id, version, properties, list, extended, created_at, updated_at, omitted)
    ) AS o
$$;

-- Applies a plan.
--
--   p_items          JSON array of items as apply_item takes them, in request order
--   p_together       one transaction that ends at the first failure: then nothing changes and the others are rolled_back.
--                    Items refused before they came here are all reported, and nothing else is run.
--                    Otherwise a transaction an item, in request order
--   p_dry            all in one transaction that is rolled back: the answer says what would have been
--   p_stop           after the first failure the rest is not_attempted
--   p_minimal        entries without the record
--   p_item_durable   flush after every item instead of once at the end
--   p_record_limit   the most bytes of JSON text that a record may have after a change (record_size)
--   p_response_limit the most bytes of JSON text that the records of all entries may have together. An entry beyond it has
--                    `"record_omitted": true` instead of its record, here and in the ledger
--   p_lock_ms        how long an item waits for a record that another transaction holds
--   p_budget_ms      what is not begun by then is not_attempted
--   p_errors         JSON object: error objects as JSON text by code. `not_attempted_final` and `rolled_back_final` are those
--                    of items that no retry with this key will run
--   p_client .. p_request_id
--                    the key; p_key_hash is NULL without one, and then nothing is written to the ledger
--
--   state            executed, resumed, replayed (every outcome is from the ledger), mismatch, stale
--   entries          one a line, in request order (JSON text has no line breaks)
--   codes            comma separated: empty for an applied item, else the item error code
--   sources          one character an item: 0 run now, 1 from the ledger
--   ends             comma separated, in seconds since the call: when the first item began, then for each item when it ended
--                    (empty: not run)
--   answered_as      the request id of the attempt that completed the request; NULL while it is not complete
--   faults           JSON {"<n>": "<SQLSTATE>"} of the items that are `internal`: for the log, not for the caller
--
-- The answer may leave as soon as this returns: the last commit that wrote is a synchronous one, and WAL is flushed in
-- order, so every commit before it is durable too. The settings made here are the session's, since a transaction's own
-- would have to be made again for every item; a call that fails leaves them behind, so its connection must be dropped.
--
-- A transaction makes every expression ready anew before it evaluates it first, which costs more than evaluating it. So
-- the loop holds the one statement that most items need and little else: what can be done for all items at once is done
-- before it or after it.
CREATE PROCEDURE apply_batch(
  p_team uuid, p_object text, p_items jsonb, p_together boolean, p_dry boolean, p_stop boolean, p_minimal boolean,
  p_item_durable boolean, p_record_limit integer, p_response_limit integer, p_lock_ms integer, p_budget_ms integer, p_errors text,
  p_client uuid, p_key_hash bytea, p_fingerprint bytea, p_lifetime_s integer, p_stale_s integer, p_request_id text,
  INOUT state text, INOUT entries text, INOUT codes text, INOUT sources text, INOUT ends text,
  INOUT answered_as text, INOUT faults text)
LANGUAGE plpgsql AS $$
DECLARE
  -- What a retry may still change, and is therefore no outcome. The exceptions are not_attempted after a failure that
  -- stopped the batch for good, and rolled_back because of one: their error objects say `"retryable": false`.
  c_open    CONSTANT text[] := ARRAY['locked', 'not_attempted', 'rolled_back', 'unavailable', 'internal'];
  c_keyed   CONSTANT boolean := p_key_hash IS NOT NULL;
  c_grouped CONSTANT boolean := p_together OR p_dry;
  -- Each outcome goes into the ledger in the transaction of its item.
  c_ledger  CONSTANT boolean := c_keyed AND NOT c_grouped;
  c_began   CONSTANT timestamptz := clock_timestamp();
  c_stop    CONSTANT boolean := p_stop AND NOT c_grouped;
  c_count   CONSTANT integer := jsonb_array_length(p_items);
  -- An image of up to so many bytes in jsonb is not checked against the limits: rendering it is what costs. As text it takes
  -- at most 28 times as much. So a record exceeds its limit by a sixteenth at most, and the small images of 100 items take a
  -- sixth of the response, which v_room leaves to them.
  c_small   CONSTANT integer := LEAST(p_record_limit / 512, p_response_limit / 16384);

  -- The items by their place in the request. Only the common patch, which does nothing but set properties, has a target.
  v_items   jsonb[];
  v_ids     uuid[];
  v_targets uuid[];
  v_sets    jsonb[];
  v_matches bigint[];
  v_order   integer[]; -- the places of those to run, in the order in which they are run

  -- Their outcomes by the same places.
  v_codes   text[] := array_fill(NULL::text, ARRAY[c_count]);
  v_errors  text[] := array_fill(NULL::text, ARRAY[c_count]);
  v_images  record_image[] := array_fill(NULL::record_image, ARRAY[c_count]);
  v_sources text[] := array_fill('0'::text, ARRAY[c_count]);
  v_ends    timestamptz[] := array_fill(NULL::timestamptz, ARRAY[c_count]);
  v_faults  jsonb := '{}';

  v_day     date;
  v_image   record_image;
  v_size    bigint; -- of its record
  v_same    integer; -- the earlier item that has the same image
  v_room    bigint := p_response_limit - 28 * c_small * c_count; -- bytes that the records of further entries may take
  v_result  record;
  v_until   timestamptz := c_began + make_interval(secs => p_budget_ms / 1000.0); -- from here on nothing is begun
  -- From here on there is more to look at before an item is begun: a wait for a lock could outlast the budget.
  v_watch   timestamptz := CASE WHEN c_stop THEN c_began ELSE v_until - make_interval(secs => p_lock_ms / 1000.0) END;
  v_start   timestamptz;
  v_left_ms integer;
  v_failed  integer; -- the first place in the request that failed
  v_final   boolean; -- whether a failure is one that no retry changes
  v_taken   boolean := false;
  n         integer;
BEGIN
  PERFORM set_config('prism.team', p_team::text, false), -- behind the team wall there is no other (0007_team_wall.sql)
          set_config('lock_timeout', p_lock_ms::text, false),
          set_config('synchronous_commit', CASE WHEN NOT c_grouped AND NOT p_item_durable THEN 'off'
            ELSE replace(current_setting('synchronous_commit'), 'off', 'on') END, false); -- remote_apply stays

  SELECT array_agg(i.item), array_agg((i.item ->> 'id')::uuid),
         array_agg(CASE WHEN i.item ? 'set' THEN (i.item ->> 'id')::uuid END), array_agg(i.item -> 'set'),
         array_agg((i.item ->> 'if_match')::bigint), array_agg(i.n::integer)
    INTO v_items, v_ids, v_targets, v_sets, v_matches, v_order
    FROM jsonb_array_elements(p_items) WITH ORDINALITY AS i (item, n);
  IF c_grouped THEN
    -- One transaction locks its records in one order, whatever order they were sent in: two such cannot deadlock.
    v_order := ARRAY(SELECT place FROM unnest(v_ids, v_order) AS i (id, place) ORDER BY id, place);
  END IF;
  IF p_together THEN
    IF 'refuse' = ANY (ARRAY(SELECT item ->> 'op' FROM unnest(v_items) AS item)) THEN
      v_order := ARRAY(SELECT i.n FROM unnest(v_items) WITH ORDINALITY AS i (item, n) WHERE i.item ->> 'op' = 'refuse');
    ELSE
      v_watch := c_began;
    END IF;
  END IF;

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
      PERFORM set_config('prism.team', '', false);
      RETURN;
    END IF;
    COMMIT;
    IF v_result.state <> 'new' THEN
      state := 'resumed';
      FOR v_result IN
        SELECT i.item, i.code, i.error, COALESCE(first.image, i.image) AS image, record_size(i.image) AS size
          FROM idempotency_items AS i
          LEFT JOIN idempotency_items AS first
            ON first.day = i.day AND first.team_id = i.team_id AND first.client_id = i.client_id
           AND first.key_hash = i.key_hash AND first.item = i.same_as
         WHERE i.day = v_day AND i.team_id = p_team AND i.client_id = p_client AND i.key_hash = p_key_hash
      LOOP
        n := v_result.item;
        v_codes[n] := v_result.code;
        v_errors[n] := v_result.error;
        v_images[n] := v_result.image;
        v_sources[n] := '1';
        v_order := array_remove(v_order, n);
        v_room := v_room - v_result.size;
      END LOOP;
    END IF;
  END IF;

  -- 2. The items, one after the other.
  v_start := clock_timestamp();
  FOREACH n IN ARRAY v_order LOOP
    IF clock_timestamp() >= v_watch THEN
      EXIT WHEN p_together AND array_to_string(v_codes, '') <> ''; -- the rest would be undone
      IF clock_timestamp() >= v_until OR (c_stop AND array_to_string(v_codes[:n - 1], '') <> '') THEN
        v_codes[n] := 'not_attempted';
        CONTINUE;
      END IF;
      v_left_ms := GREATEST(1, 1000 * date_part('epoch', v_until - clock_timestamp()));
      PERFORM set_config('lock_timeout', LEAST(p_lock_ms, v_left_ms)::text, false); -- no one waits beyond the caller's deadline
    END IF;

    BEGIN
      -- The common patch. Anything else it does not find, and leaves to apply_item.
      UPDATE records AS r
         SET properties = r.properties || v_sets[n], version = r.version + 1, updated_at = now()
       WHERE r.team_id = p_team AND r.id = v_targets[n] AND r.object_type = p_object AND r.deleted_at IS NULL
         AND r.version = COALESCE(v_matches[n], r.version)
      RETURNING r.id, r.version, r.properties, r.list, r.extended, r.created_at, r.updated_at, NULL::boolean INTO v_image;
      IF NOT FOUND OR pg_column_size(v_image) > c_small THEN
        IF NOT FOUND THEN
          SELECT * INTO v_result FROM apply_item(p_team, p_object, v_items[n]);
          v_codes[n] := v_result.code;
          v_errors[n] := COALESCE(v_result.error, p_errors::json ->> v_result.code);
          v_image := v_result.image;
        END IF;
        v_size := record_size(v_image);
        IF v_size > p_record_limit AND v_items[n] ->> 'op' IN ('update', 'create') THEN
          RAISE EXCEPTION USING ERRCODE = 'PG002'; -- undoes the change: item by item, a record would grow without end
        END IF;
        IF NOT p_minimal AND v_size > v_room THEN
          v_image := (v_image.id, v_image.version, NULL, NULL, NULL, v_image.created_at, v_image.updated_at, true);
        ELSIF NOT p_minimal THEN
          v_room := v_room - v_size;
          -- Only reading a record leaves it as an earlier item of the batch left it.
          IF c_ledger AND v_items[n] ->> 'op' = 'read' AND v_codes[n] IS NULL THEN
            v_same := (
              SELECT min(earlier.place)
                FROM unnest(v_images) WITH ORDINALITY
                  AS earlier (id, version, properties, list, extended, created_at, updated_at, omitted, place)
               WHERE earlier.id = v_image.id AND earlier.version = v_image.version AND earlier.properties IS NOT NULL);
          END IF;
        END IF;
      END IF;
      IF p_minimal THEN
        v_image := (v_image.id, v_image.version, NULL, NULL, NULL, v_image.created_at, v_image.updated_at, NULL);
      END IF;
      v_images[n] := v_image;
      IF c_ledger AND v_same IS NULL THEN
        INSERT INTO idempotency_items (day, team_id, client_id, key_hash, item, code, error, image)
        VALUES (v_day, p_team, p_client, p_key_hash, n, v_codes[n], v_errors[n], v_image);
      ELSIF c_ledger THEN
        INSERT INTO idempotency_items (day, team_id, client_id, key_hash, item, same_as)
        VALUES (v_day, p_team, p_client, p_key_hash, n, v_same);
        v_same := NULL;
      END IF;
    EXCEPTION WHEN query_canceled OR OTHERS THEN
      SELECT * INTO v_result FROM settle_failure(SQLSTATE, p_errors, CASE WHEN c_ledger THEN v_day END,
        p_team, p_client, p_key_hash, n);
      v_codes[n] := v_result.code;
      v_errors[n] := v_result.error;
      v_images[n] := v_result.image;
      v_sources[n] := v_result.source;
      v_same := NULL;
      v_room := v_room - record_size(v_result.image);
      IF SQLSTATE = '57014' THEN -- query_canceled: nothing more is begun
        v_watch := c_began;
        v_until := c_began;
      END IF;
      IF v_result.fault IS NOT NULL THEN
        v_faults := v_faults || jsonb_build_object(n, v_result.fault);
      END IF;
    END;
    IF NOT c_grouped THEN
      COMMIT;
    END IF;
    v_ends[n] := clock_timestamp();
  END LOOP;

  -- 3. One transaction for all: keep it or drop it whole.
  IF c_grouped THEN
    SELECT min(o.n), bool_or(o.code <> ALL (c_open)) INTO v_failed, v_final
      FROM unnest(v_codes) WITH ORDINALITY AS o (code, n)
     WHERE o.code IS NOT NULL;
    IF v_failed IS NOT NULL OR p_dry THEN
      ROLLBACK;
      FOR n IN 1 .. c_count LOOP
        IF p_stop AND n > v_failed THEN
          v_codes[n] := 'not_attempted';
          v_errors[n] := CASE WHEN v_codes[v_failed] <> ALL (c_open) THEN p_errors::json ->> 'not_attempted_final' END;
        ELSIF p_together AND v_failed IS NOT NULL AND v_codes[n] IS NULL THEN
          v_codes[n] := 'rolled_back';
          v_errors[n] := CASE WHEN v_final THEN p_errors::json ->> 'rolled_back_final' END;
        END IF;
      END LOOP;
    END IF;
    -- All outcomes or none: a retry of a batch that only failed for now runs all of it.
    IF c_keyed AND (v_failed IS NULL OR v_final) THEN
      FOR n IN 1 .. c_count LOOP
        IF v_sources[n] = '0' THEN
          v_taken := NOT keep_outcome(v_day, p_team, p_client, p_key_hash, n, v_codes[n], v_errors[n], v_images[n]);
          EXIT WHEN v_taken;
        END IF;
      END LOOP;
      IF v_taken THEN
        ROLLBACK; -- another attempt has settled these items: its outcomes stand, and ours did not happen
        FOR n IN 1 .. c_count LOOP
          SELECT i.code, i.error, i.image, '1' AS source INTO v_result FROM idempotency_items AS i
           WHERE i.day = v_day AND i.team_id = p_team AND i.client_id = p_client AND i.key_hash = p_key_hash AND i.item = n;
          v_sources[n] := COALESCE(v_result.source, '0');
          v_codes[n] := CASE WHEN v_result.source IS NULL THEN 'rolled_back' ELSE v_result.code END;
          v_errors[n] := v_result.error;
          v_images[n] := v_result.image;
        END LOOP;
      END IF;
    END IF;
    COMMIT;
  END IF;

  -- A final failure decides what becomes of the items after it. No attempt runs them: each comes to them only after it knows
  -- the outcome of the item that failed, of which the ledger keeps the first one.
  IF c_stop THEN
    v_failed := (SELECT min(o.n) FROM unnest(v_codes) WITH ORDINALITY AS o (code, n) WHERE o.code <> ALL (c_open));
    FOR n IN COALESCE(v_failed, c_count) + 1 .. c_count LOOP
      IF v_codes[n] = 'not_attempted' AND v_sources[n] = '0' THEN
        v_errors[n] := p_errors::json ->> 'not_attempted_final';
        IF c_keyed THEN
          PERFORM keep_outcome(v_day, p_team, p_client, p_key_hash, n, v_codes[n], v_errors[n], NULL);
        END IF;
      END IF;
    END LOOP;
  END IF;

  -- 4. The flush: the one commit that waits for the disk, and with it for every commit before.
  RESET lock_timeout;
  RESET synchronous_commit;
  IF current_setting('synchronous_commit') = 'off' THEN
    PERFORM set_config('synchronous_commit', 'on', true);
  END IF;
  IF c_keyed AND NOT EXISTS (
    SELECT FROM unnest(v_codes, v_errors) AS o (code, error)
     WHERE o.code = ANY (c_open) AND COALESCE((o.error::json ->> 'retryable')::boolean, true)
  ) THEN
    UPDATE idempotency_requests AS q SET complete = true, request_id = p_request_id
     WHERE q.team_id = p_team AND q.client_id = p_client AND q.key_hash = p_key_hash AND NOT q.complete;
    SELECT q.request_id INTO answered_as FROM idempotency_requests AS q
     WHERE q.team_id = p_team AND q.client_id = p_client AND q.key_hash = p_key_hash;
  ELSIF NOT c_grouped AND (c_keyed OR array_position(v_codes, NULL) IS NOT NULL)
    AND (NOT p_item_durable OR state = 'resumed') THEN
    -- What a resumed call took from the ledger may be of a call that has not flushed yet.
    PERFORM pg_logical_emit_message(true, 'prism_gateway', '');
  END IF;
  PERFORM set_config('prism.team', '', false);
  COMMIT;

  -- 5. The answer.
  IF c_keyed AND '0' <> ALL (v_sources) THEN
    state := 'replayed';
  END IF;
  BEGIN
    entries := render_entries(v_ids, v_codes, v_errors, v_images, p_errors, false);
  EXCEPTION WHEN query_canceled OR OTHERS THEN
    -- The changes are committed: their outcomes must arrive, if need be without the records. With a key every response is
    -- rendered alike, so the records stay: a cancel strikes once, and after any other error the ledger has the outcomes.
    entries := render_entries(v_ids, v_codes, v_errors, v_images, p_errors, NOT c_keyed);
  END;
  ends := date_part('epoch', v_start - c_began) || ','
    || (SELECT string_agg(COALESCE(date_part('epoch', e.ended - c_began)::text, ''), ',' ORDER BY e.place)
          FROM unnest(v_ends) WITH ORDINALITY AS e (ended, place));
  codes := array_to_string(v_codes, ',', '');
  sources := array_to_string(v_sources, '');
  faults := v_faults::text;
END
$$;
