-- Applies a plan in one round trip, each item in a transaction of its own. A plan of one item, p_atomic and p_dry_run are one
-- transaction (apply_items_in_one_transaction).
--
-- Steps                                                        Transaction
--   1.  Set up the session, and unpack the items
--   2.  Claim the key, and skip what earlier attempts settled  one, with a key
--   3.  Prepare locks and matches for all items                one, if an item has a match
--   4.  Apply the items                                        one for each item: the change first, then its mark in the ledger
--   5.  Roll back a dry run, and an atomic batch that failed
--   6.  Lock the request in the ledger                         the last one, up to step 9: its commit waits for the disk
--   7.  Take over the outcomes of other attempts
--   8.  Make not_attempted final after p_max_failures
--   9.  Build the response, store it, and commit
--   10. Set the other results
-- If all items are one transaction, it contains the steps 1 to 9. After the rollback of step 5, a second one claims the key again.
--
-- A keyed batch of several items marks each item in the ledger when it is settled: applied, or failed in a way that no retry
-- changes. docs/exactly-once.md explains why that applies each item once.
--
-- Inputs
--   p_items                 JSON array of items as apply_item takes them, in request order, each with a "ref" that its entry
--                           repeats, if the caller has given one. In a keyed batch of several items, created_id replaces the
--                           id of a "create"
--   p_atomic                One transaction for all items; the first failure ends it. Nothing changes then, and the other
--                           items are rolled_back. If validation rejected items, all of these are reported and none is run
--   p_dry_run               One transaction for all items, which is rolled back: the outcomes say what would have happened
--   p_max_failures          After this many failures the remaining items are not_attempted. NULL: any number
--   p_minimal               Return entries without the record
--   p_item_durable          Each item's commit waits for the disk, instead of the last commit for all
--   p_record_limit_bytes    The largest record that a change may produce (record_size)
--   p_response_limit_bytes  The largest total size of all records in the entries. An entry beyond it has
--                           "record_omitted": true instead of its record, in the response and in the ledger
--   p_lock_timeout_ms       How long an item waits for a record that another transaction has locked
--   p_budget_ms             Items that have not started by then are not_attempted
--   p_client_id .. p_request_id
--                           The Idempotency-Key. p_key_hash is NULL without one, and then the ledger is not used
--
-- A keyed call raises lock_not_available if another attempt at the request holds its row or its progress row for longer than
-- p_lock_timeout_ms. It can be sent again.
--
-- Results
--   state            executed, resumed, replayed (another attempt settled every item), mismatch, stale
--   entries          the response entries, one a line, in request order
--   codes            comma separated: empty for an applied item, else the item error code
--   replayed         one character an item: t if another attempt settled it, else f
--   durations        comma separated: seconds that the item took, 0 if it was not run
--   completed_by     the request id of the attempt that completed the request; NULL while it is not complete
--   internal_errors  JSON {"<item>": "<SQLSTATE>"} of the items with the code `internal`, and of an item that found the server
--                    read-only (25006): for the gateway, not for its caller
--
-- Durability: the items' commits do not wait for the disk. The last commit that writes does, and WAL is flushed in order, so
-- every earlier commit is durable when this returns.
--
-- Settings: lock_timeout, synchronous_commit, enable_seqscan, prism.team and, on a cluster, search_path are set for the session,
-- because transaction-local settings would have to be repeated for every item. A call that raises an error does not reset
-- them: the caller must close the connection.
--
-- Performance: plpgsql prepares every expression again in every transaction, which costs more than evaluating it. Therefore
-- the loop contains the one statement that most items need and little else. What can be done for all items at once is done
-- before or after the loop, and helper functions are called only for what is rare.
CREATE OR REPLACE PROCEDURE apply_batch(
  p_team_id uuid, p_object_type text, p_items jsonb, p_atomic boolean, p_dry_run boolean, p_max_failures integer, p_minimal boolean,
  p_item_durable boolean, p_record_limit_bytes integer, p_response_limit_bytes integer, p_lock_timeout_ms integer,
  p_budget_ms integer, p_client_id uuid, p_key_hash bytea, p_fingerprint bytea, p_key_lifetime_s integer,
  p_key_stale_s integer, p_request_id text,
  INOUT state text, INOUT entries text, INOUT codes text, INOUT replayed text, INOUT durations text,
  INOUT completed_by text, INOUT internal_errors text)
LANGUAGE plpgsql AS $$
DECLARE
  c_started          CONSTANT timestamptz := clock_timestamp();
  c_count            CONSTANT integer := jsonb_array_length(p_items);
  c_keyed            CONSTANT boolean := p_key_hash IS NOT NULL;
  c_one_transaction  CONSTANT boolean := p_atomic OR p_dry_run OR c_count = 1; -- one transaction for all items and the ledger
  -- Only if each item has its own transaction. One transaction leaves nothing to resume, and propagate_failures stops it.
  c_marks_items      CONSTANT boolean := c_keyed AND NOT c_one_transaction;
  c_stops_early      CONSTANT boolean := p_max_failures IS NOT NULL AND NOT c_one_transaction;
  c_cluster          CONSTANT boolean := is_cluster();
  -- An image of up to this many bytes of jsonb is not measured, because measuring means rendering it. As text it is at most 28
  -- times as large. So a record exceeds its limit by a sixteenth at most, and the unmeasured images of 100 items take at most a
  -- sixth of the response, which v_bytes_left reserves for them.
  c_unmeasured_bytes CONSTANT integer := LEAST(p_record_limit_bytes / 512, p_response_limit_bytes / 16384);
  -- Used instead of NULL: for a NULL id Postgres finds a custom plan cheapest, and would plan the statement for every item.
  c_no_record        CONSTANT uuid := '00000000-0000-0000-0000-000000000000';
  -- Indexed by the byte that the progress row stores for an item.
  c_effects          CONSTANT text[] := ARRAY['created', 'updated', 'deleted', 'restored', 'unchanged'];

  -- The items, by position in the request.
  v_items      jsonb[];
  v_ids        uuid[]; -- NULL for an item that creates a record or has a match: its id is known once it is applied
  v_target_ids uuid[]; -- of common patches, which only set properties; c_no_record for all other items
  v_sets       jsonb[];
  v_etags      text[]; -- the etag that the record must have; NULL: any
  v_refs       text[]; -- the `ref` of the caller
  v_order      integer[]; -- the positions of the items to run, in the order in which they run

  -- Their outcomes, by position in the request. An applied item has an image and no code.
  v_codes           text[] := array_fill(NULL::text, ARRAY[c_count]);
  v_errors          text[] := array_fill(NULL::text, ARRAY[c_count]);
  v_effects         text[]; -- initially the usual effects of the operations
  v_images          record_image[] := array_fill(NULL::record_image, ARRAY[c_count]);
  v_ended           timestamptz[] := array_fill(NULL::timestamptz, ARRAY[c_count]);
  v_replayed        boolean[] := array_fill(false, ARRAY[c_count]); -- another attempt settled the item
  v_settled         boolean[]; -- no retry changes the outcome
  v_internal_errors jsonb := '{}';

  -- The request in the ledger.
  v_claim_state    text; -- as claim_request returns it; then 'complete' also if another attempt completes the request
  v_ledger_id      bigint; -- the request_id of its rows. p_request_id is the id of the HTTP request
  v_day            date;
  v_created_at     timestamptz;
  v_stored_entries text[]; -- its stored outcomes, by position in the request; NULL: none
  v_stored_codes   text[];
  v_stored_bytes   bigint; -- the size of the stored entries
  -- Its progress row, locked. NULL: it has none.
  v_progress_settled      bytea;
  v_progress_effects      bytea;
  v_progress_matched      jsonb;
  v_progress_has_outcomes boolean;

  -- The size of the response.
  v_bytes_left        bigint := p_response_limit_bytes - 28 * c_unmeasured_bytes * c_count; -- for measured records
  v_measured_item     integer; -- the last item whose record was measured
  v_bytes_left_before bigint; -- before that record

  -- On a cluster, the shard of the team's records and its table; NULL: Citus executes the statements (use_shard).
  v_shard       bigint;
  v_shard_table oid;

  -- The time.
  v_loop_start timestamptz;
  v_deadline   timestamptz := c_started + make_interval(secs => p_budget_ms / 1000.0); -- no item starts after it
  -- From here on, check before each item whether it may start, and limit its wait for a lock to the time that is left.
  v_check_from timestamptz := CASE WHEN c_stops_early THEN c_started
                                   ELSE v_deadline - make_interval(secs => p_lock_timeout_ms / 1000.0) END;
  v_left_ms    integer;

  -- The current item or step.
  n               integer; -- the position of the item
  v_image         record_image;
  v_record_id     uuid;
  v_applied       boolean; -- this attempt has applied the item
  v_result        record;
  v_context       text; -- PG_EXCEPTION_CONTEXT of an error
  v_detail        text; -- PG_EXCEPTION_DETAIL of an error
  v_complete      boolean; -- of the request row
  v_failure_count integer;
  v_needs_flush   boolean;
  v_stop_after    integer; -- the item with the last of p_max_failures failures that are not retryable
BEGIN
  -- 1. Set up the session, and unpack the items.
  PERFORM set_config('prism.team', p_team_id::text, false), -- for row-level security
          set_config('lock_timeout', GREATEST(1, LEAST(p_lock_timeout_ms, p_budget_ms))::text, false),
          -- idempotency_progress has few rows, but many dead ones between two vacuums: a plan for its index stays good.
          set_config('enable_seqscan', 'off', false);
  IF c_cluster THEN
    SELECT u.shard, u.shard_table INTO v_shard, v_shard_table FROM use_shard(p_team_id) AS u;
    IF v_shard IS NULL THEN
      v_check_from := c_started; -- each transaction shares its settings there
    END IF;
  END IF;
  -- A shard move copies what is on disk, and loses a commit that has not waited for the disk. hold_shard notices that; Citus does not.
  PERFORM set_config('synchronous_commit',
                     CASE WHEN NOT c_one_transaction AND NOT p_item_durable AND (NOT c_cluster OR v_shard IS NOT NULL) THEN 'off'
                       ELSE replace(current_setting('synchronous_commit'), 'off', 'on') END, false); -- keeps remote_apply

  SELECT array_agg(i.item),
         array_agg(CASE WHEN i.item ->> 'op' NOT IN ('create', 'duplicate') AND NOT i.item ? 'match'
                        THEN (i.item ->> 'id')::uuid END),
         array_agg(CASE WHEN i.item ? 'set' AND NOT i.item ? 'match' THEN (i.item ->> 'id')::uuid ELSE c_no_record END),
         array_agg(i.item -> 'set'),
         array_agg(i.item ->> 'if_match'), array_agg(i.item ->> 'ref'), array_agg(item_effect(i.item ->> 'op')),
         array_agg(i.n::integer)
    INTO v_items, v_ids, v_target_ids, v_sets, v_etags, v_refs, v_effects, v_order
    FROM jsonb_array_elements(p_items) WITH ORDINALITY AS i (item, n);
  -- Validation has rejected items: report all of these, and run no other item.
  IF p_atomic AND 'reject' = ANY (ARRAY(SELECT item ->> 'op' FROM unnest(v_items) AS item)) THEN
    v_order := ARRAY(SELECT i.n FROM unnest(v_items) WITH ORDINALITY AS i (item, n) WHERE i.item ->> 'op' = 'reject');
  END IF;

  -- 2. Claim the key, and skip the items that earlier attempts have settled.
  state := 'executed';
  IF c_keyed THEN
    SELECT c.state, c.request_id, c.day, c.created_at INTO v_claim_state, v_ledger_id, v_day, v_created_at
      FROM claim_request(p_team_id, p_client_id, p_key_hash, p_fingerprint, make_interval(secs => p_key_lifetime_s),
                         make_interval(secs => p_key_stale_s), c_count, c_marks_items) AS c;
    IF c_marks_items AND 'created' = ANY (v_effects) THEN
      -- The ids are the same in every attempt: a second attempt cannot create another record, and finds that of an earlier one.
      FOR n IN 1 .. c_count LOOP
        IF v_items[n] ->> 'op' = 'create' THEN
          v_items[n] := v_items[n] || jsonb_build_object('id', created_id(p_key_hash, v_ledger_id, v_created_at, n));
        END IF;
      END LOOP;
    END IF;
    IF v_claim_state IN ('mismatch', 'stale') THEN
      state := v_claim_state;
      v_order := '{}';
    ELSIF v_claim_state = 'complete' THEN
      state := 'resumed';
      v_order := '{}';
    ELSIF v_claim_state = 'resume' THEN
      state := 'resumed';
      IF c_marks_items THEN
        v_order := ARRAY(SELECT i.n FROM unnest(v_order) AS i (n) WHERE NOT is_settled(p_team_id, v_ledger_id, i.n));
        SELECT o.bytes, o.codes INTO v_stored_bytes, v_stored_codes FROM find_outcomes(v_day, p_team_id, v_ledger_id) AS o;
        v_bytes_left := v_bytes_left - COALESCE(v_stored_bytes, 0); -- the response contains the stored entries too
        IF c_stops_early AND v_stored_codes IS NOT NULL THEN
          v_codes := v_stored_codes; -- the failures of earlier attempts count
        END IF;
      END IF;
    END IF;
    IF NOT c_one_transaction THEN
      COMMIT;
    END IF;
  END IF;

  -- 3. Prepare for all items at once what would take longer for each one in its turn.
  v_loop_start := clock_timestamp();
  IF NOT c_one_transaction AND jsonb_path_exists(p_items, '$[*] ? (exists(@.lookups) || exists(@.create))') THEN
    v_items := prepare_locks(p_team_id, v_items);
  END IF;
  IF NOT c_one_transaction AND jsonb_path_exists(p_items, '$[*].match') THEN
    PERFORM hold_placement(p_team_id);
    -- Most records are unchanged when the turn of their item comes: the common patch then suffices. Its condition is their etag.
    FOR v_result IN SELECT m.* FROM match_targets(p_team_id, v_items) AS m LOOP
      v_target_ids[v_result.n] := v_result.id;
      v_etags[v_result.n] := v_result.etag;
    END LOOP;
    COMMIT;
  END IF;

  -- 4. Apply the items.
  IF c_one_transaction THEN
    SELECT a.bytes_left, a.codes, a.errors, a.effects, a.images, a.ended, a.internal_errors
      INTO v_bytes_left, v_codes, v_errors, v_effects, v_images, v_ended, v_internal_errors
      FROM apply_items_in_one_transaction(p_team_id, p_object_type, v_items, v_order, p_atomic, p_minimal,
                                          p_record_limit_bytes, p_lock_timeout_ms, v_check_from, v_deadline,
                                          v_bytes_left, v_effects) AS a;
    v_order := '{}'; -- nothing is left for the loop
  END IF;
  FOREACH n IN ARRAY v_order LOOP
    IF clock_timestamp() >= v_check_from THEN
      IF clock_timestamp() >= v_deadline OR (c_stops_early AND cardinality(array_remove(v_codes[:n - 1], NULL)) >= p_max_failures) THEN
        v_codes[n] := 'not_attempted';
        CONTINUE;
      END IF;
      v_left_ms := GREATEST(1, ceil(1000 * date_part('epoch', v_deadline - clock_timestamp())));
      PERFORM set_config('lock_timeout', LEAST(p_lock_timeout_ms, v_left_ms)::text, false);
      IF c_cluster THEN
        PERFORM share_settings(p_team_id);
      END IF;
    END IF;

    BEGIN
      -- The common patch. For any other item it finds no row, and apply_item runs the item or determines why it fails.
      UPDATE records AS r
         SET properties = r.properties || v_sets[n], version = r.version + 1, updated_at = now()
       WHERE r.team_id = p_team_id AND r.id = v_target_ids[n] AND r.object_type = p_object_type AND r.deleted_at IS NULL
         AND v_target_ids[n] <> c_no_record
         AND (v_etags[n] IS NULL OR record_etag(r.version, r.updated_at) = v_etags[n])
      -- || decompresses blocks that the patch does not change, so that the size is that of the jsonb.
      RETURNING r.id, r.version, r.properties, r.list || '{}', r.extended || '{}', r.created_at, r.updated_at, NULL::boolean
           INTO v_image;
      IF NOT FOUND OR pg_column_size(v_image) > c_unmeasured_bytes THEN
        IF NOT FOUND THEN
          SELECT * INTO v_result FROM apply_item(p_team_id, p_object_type, v_items[n]);
          v_codes[n] := v_result.code;
          v_errors[n] := COALESCE(v_result.error, item_error(v_result.code, false));
          v_image := v_result.image;
          v_effects[n] := COALESCE(v_result.effect, v_effects[n]);
        END IF;
        v_measured_item := n;
        v_bytes_left_before := v_bytes_left;
        SELECT l.* INTO v_result
          FROM enforce_record_limits(v_image, v_bytes_left, p_minimal,
                                     CASE WHEN v_items[n] ->> 'op' IN ('update', 'create') THEN p_record_limit_bytes END) AS l;
        v_image := v_result.image;
        v_bytes_left := v_result.bytes_left;
      ELSIF p_minimal THEN
        v_image := (v_image.id, v_image.version, NULL, NULL, NULL, v_image.created_at, v_image.updated_at, NULL);
      END IF;
      v_images[n] := v_image;
      IF c_marks_items AND v_codes[n] IS NULL THEN
        -- The change first, the mark last: the lock on the progress row is short, and proves that the item is applied once.
        -- effects and matched are for an attempt that finds the item settled, without an outcome: its own plan may differ.
        UPDATE idempotency_progress AS p
           SET settled = set_bit(p.settled, n - 1, 1),
               effects = CASE WHEN v_effects[n] = 'updated' THEN p.effects
                              ELSE set_byte(COALESCE(p.effects, decode(repeat('00', c_count), 'hex')), n - 1,
                                            array_position(c_effects, v_effects[n])) END,
               matched = CASE WHEN v_items[n] ? 'match'
                              THEN COALESCE(p.matched, '{}') || ('{"' || n::text || '": "' || v_image.id::text || '"}')::jsonb
                              ELSE p.matched END
         WHERE p.team_id = p_team_id AND p.request_id = v_ledger_id AND get_bit(p.settled, n - 1) = 0;
        IF NOT FOUND THEN
          RAISE EXCEPTION USING ERRCODE = 'PG004'; -- another attempt has settled the item: roll this change back
        END IF;
      END IF;
    EXCEPTION WHEN query_canceled OR OTHERS THEN
      IF c_marks_items AND SQLSTATE = '55P03' THEN
        GET STACKED DIAGNOSTICS v_context = PG_EXCEPTION_CONTEXT;
        IF strpos(v_context, 'UPDATE idempotency_progress') > 0 THEN
          RAISE; -- the progress row was locked, not the record: another attempt is about to complete the request
        END IF;
      END IF;
      GET STACKED DIAGNOSTICS v_detail = PG_EXCEPTION_DETAIL;
      SELECT * INTO v_result FROM item_failure(SQLSTATE, v_detail);
      v_codes[n] := v_result.code;
      v_errors[n] := v_result.error;
      v_images[n] := NULL;
      IF v_measured_item = n THEN
        v_bytes_left := v_bytes_left_before; -- the response does not contain the record
      END IF;
      IF v_result.code = 'not_attempted' THEN -- canceled, or the server has become read-only: no further item starts
        v_check_from := c_started;
        v_deadline := c_started;
      END IF;
      IF v_result.internal_error IS NOT NULL THEN
        v_internal_errors := v_internal_errors || jsonb_build_object(n, v_result.internal_error);
      END IF;
    END;
    -- A failure may be the effect of another attempt that has applied the item since. Only a new statement sees its mark.
    IF c_marks_items AND v_codes[n] IS NOT NULL AND is_settled(p_team_id, v_ledger_id, n) THEN
      v_codes[n] := NULL;
      v_errors[n] := NULL;
      v_images[n] := NULL;
      v_internal_errors := v_internal_errors - n::text;
    END IF;
    COMMIT;
    v_ended[n] := clock_timestamp();
  END LOOP;

  -- 5. Roll back a dry run, and an atomic batch in which an item has failed.
  IF (p_atomic OR p_dry_run) AND v_claim_state IS DISTINCT FROM 'complete' AND state IN ('executed', 'resumed') THEN
    v_failure_count := cardinality(array_remove(v_codes, NULL));
    IF v_failure_count > 0 OR p_dry_run THEN
      ROLLBACK;
      SELECT f.codes, f.errors INTO v_codes, v_errors FROM propagate_failures(v_codes, v_errors, p_atomic, p_max_failures) AS f;
      IF c_keyed THEN
        -- The claim was rolled back too. If another attempt completes the request before the new claim, its outcomes count.
        PERFORM set_config('prism.team', p_team_id::text, false), set_config('lock_timeout', p_lock_timeout_ms::text, false);
        IF c_cluster THEN
          SELECT u.shard, u.shard_table INTO v_shard, v_shard_table FROM use_shard(p_team_id) AS u;
        END IF;
        SELECT c.state, c.request_id, c.day INTO v_claim_state, v_ledger_id, v_day
          FROM claim_request(p_team_id, p_client_id, p_key_hash, p_fingerprint, make_interval(secs => p_key_lifetime_s),
                             make_interval(secs => p_key_stale_s), c_count, false) AS c;
        IF v_claim_state IN ('mismatch', 'stale') THEN
          state := v_claim_state;
        END IF;
      END IF;
    END IF;
  END IF;

  -- 6. Begin the last transaction, whose commit waits for the disk, and lock the rows of the request in the ledger. From here to
  -- that commit, no other attempt can settle an item. Whoever locks both rows locks the request row first (claim_request and
  -- purge_idempotency_requests too), so that no two can deadlock.
  RESET synchronous_commit;
  IF current_setting('synchronous_commit') = 'off' THEN
    PERFORM set_config('synchronous_commit', 'on', true);
  END IF;
  PERFORM set_config('lock_timeout', p_lock_timeout_ms::text, false); -- the loop may have shortened it
  PERFORM hold_placement(p_team_id);
  IF v_shard IS NOT NULL THEN
    PERFORM hold_shard(v_shard, v_shard_table);
  END IF;
  IF c_marks_items AND v_claim_state IN ('new', 'resume') THEN
    SELECT q.complete INTO v_complete FROM idempotency_requests AS q
     WHERE q.team_id = p_team_id AND q.client_id = p_client_id AND q.key_hash = p_key_hash AND q.id = v_ledger_id
       FOR UPDATE;
    IF v_complete THEN
      v_claim_state := 'complete'; -- by another attempt
    ELSE
      SELECT p.settled, p.effects, p.matched, p.has_outcomes
        INTO v_progress_settled, v_progress_effects, v_progress_matched, v_progress_has_outcomes
        FROM idempotency_progress AS p
       WHERE p.team_id = p_team_id AND p.request_id = v_ledger_id
         FOR UPDATE;
      IF NOT FOUND THEN
        state := 'stale'; -- the key has expired since, and was used again or deleted
      END IF;
    END IF;
  END IF;
  RESET lock_timeout;
  IF state IN ('mismatch', 'stale') THEN
    PERFORM set_config('prism.team', '', false);
    RESET enable_seqscan;
    IF v_shard IS NOT NULL THEN
      RESET search_path; -- use_shard has set it
    END IF;
    COMMIT;
    RETURN;
  END IF;

  -- 7. Take over the outcomes of other attempts. A stored outcome replaces that of this attempt. An item that is marked and has no
  -- stored outcome is applied: by this attempt, or by another one that was interrupted or still runs.
  IF c_keyed AND (c_marks_items OR v_claim_state = 'complete') THEN
    IF v_claim_state = 'complete' OR v_progress_has_outcomes THEN
      v_bytes_left := v_bytes_left + COALESCE(v_stored_bytes, 0); -- step 2 has subtracted those that were stored then
      SELECT o.entries, o.codes, o.bytes INTO v_stored_entries, v_stored_codes, v_stored_bytes
        FROM find_outcomes(v_day, p_team_id, v_ledger_id) AS o;
      v_bytes_left := v_bytes_left - COALESCE(v_stored_bytes, 0);
      IF v_stored_entries IS NULL THEN
        RAISE EXCEPTION 'the ledger has no outcomes of request %, although it stored them', v_ledger_id;
      END IF;
    END IF;
    FOR n IN 1 .. c_count LOOP
      v_applied := v_codes[n] IS NULL AND (v_images[n]).id IS NOT NULL;
      IF v_stored_entries[n] IS NOT NULL THEN
        v_replayed[n] := NOT v_applied;
        v_codes[n] := v_stored_codes[n];
      ELSIF NOT v_applied AND get_bit(v_progress_settled, n - 1) = 1 THEN
        -- The entry has the record as it is now. The definitions may have changed since, so this attempt may even reject the item:
        -- effect and id come from the progress row. A row of the previous version may lack the effect: then that of the operation
        -- is used.
        v_replayed[n] := true;
        v_codes[n] := NULL;
        v_errors[n] := NULL;
        v_effects[n] := COALESCE(c_effects[get_byte(v_progress_effects, n - 1)],
                                 NULLIF(item_effect(v_items[n] ->> 'op'), 'unchanged'), 'updated');
        v_record_id := COALESCE(v_progress_matched ->> n::text, v_items[n] ->> 'id',
                                created_id(p_key_hash, v_ledger_id, v_created_at, n)::text)::uuid;
        SELECT l.* INTO v_result
          FROM enforce_record_limits(current_image(p_team_id, p_object_type, v_record_id, v_effects[n] = 'deleted'),
                                     v_bytes_left, p_minimal, NULL) AS l;
        v_images[n] := v_result.image;
        v_bytes_left := v_result.bytes_left;
      ELSIF v_bytes_left < 0 AND (v_images[n]).properties IS NOT NULL THEN
        -- The outcomes that another attempt has stored in the meantime leave no space for the records of this one.
        v_image := v_images[n];
        v_images[n] := (v_image.id, v_image.version, NULL, NULL, NULL, v_image.created_at, v_image.updated_at, true);
      END IF;
    END LOOP;
  END IF;

  -- 8. After p_max_failures failures that are not retryable, `not_attempted` is final for the items behind them. If another attempt
  -- has applied one of these, step 7 has found its mark.
  IF c_stops_early THEN
    v_stop_after := (SELECT o.n FROM unnest(v_codes) WITH ORDINALITY AS o (code, n) WHERE NOT is_retryable(o.code)
                      ORDER BY o.n OFFSET p_max_failures - 1 LIMIT 1);
    FOR n IN COALESCE(v_stop_after, c_count) + 1 .. c_count LOOP
      IF v_codes[n] = 'not_attempted' AND NOT v_replayed[n] THEN
        v_errors[n] := item_error('not_attempted', true);
      END IF;
    END LOOP;
  END IF;

  -- 9. Build the response, store it, and commit.
  BEGIN
    entries := render_entries(v_stored_entries, v_ids, v_refs, v_codes, v_errors, v_effects, v_images, false);
  EXCEPTION WHEN query_canceled OR OTHERS THEN
    -- Changes are committed, so their outcomes must be returned: without a key, without the records. With a key all responses
    -- must be equal, so it renders the records again: a cancel request interrupts only once, and after any other error a retry
    -- reads them.
    entries := render_entries(v_stored_entries, v_ids, v_refs, v_codes, v_errors, v_effects, v_images, NOT c_keyed);
  END;
  IF c_keyed AND v_claim_state <> 'complete' THEN
    v_settled := ARRAY(
      SELECT o.replayed OR NOT COALESCE(is_retryable(o.code), false) OR NOT COALESCE((o.error::json ->> 'retryable')::boolean, true)
        FROM unnest(v_codes, v_errors, v_replayed) WITH ORDINALITY AS o (code, error, replayed, n) ORDER BY o.n);
    IF true = ALL (v_settled) THEN
      UPDATE idempotency_requests AS q SET complete = true, completed_by = p_request_id
       WHERE q.team_id = p_team_id AND q.client_id = p_client_id AND q.key_hash = p_key_hash AND q.id = v_ledger_id;
      DELETE FROM idempotency_progress AS p WHERE p.team_id = p_team_id AND p.request_id = v_ledger_id;
      completed_by := p_request_id;
    ELSIF c_marks_items AND true = ANY (v_settled) THEN
      FOR n IN 1 .. c_count LOOP
        v_progress_settled := set_bit(v_progress_settled, n - 1, v_settled[n]::integer);
      END LOOP;
      UPDATE idempotency_progress AS p SET settled = v_progress_settled, has_outcomes = true
       WHERE p.team_id = p_team_id AND p.request_id = v_ledger_id;
    END IF;
    -- If all items are one transaction, the ledger stores all outcomes or none.
    IF true = ANY (v_settled) AND (c_marks_items OR true = ALL (v_settled)) THEN
      PERFORM store_outcomes(v_day, p_team_id, v_ledger_id, entries, v_codes, v_settled);
    END IF;
  END IF;
  IF v_claim_state = 'complete' THEN
    completed_by := (SELECT q.completed_by FROM idempotency_requests AS q
      WHERE q.team_id = p_team_id AND q.client_id = p_client_id AND q.key_hash = p_key_hash AND q.id = v_ledger_id);
  END IF;
  -- A transaction that writes nothing does not wait for the disk. A replay and an unchanged item must wait too: the commit of what
  -- they found may still wait for a standby.
  v_needs_flush := CASE
    WHEN c_keyed THEN v_claim_state = 'complete' OR NOT true = ANY (v_settled)
    ELSE NOT p_dry_run AND array_position(v_codes, NULL) IS NOT NULL -- an item is applied
         AND ('unchanged' = ANY (v_effects) OR NOT (c_one_transaction OR p_item_durable))
  END;
  IF v_needs_flush THEN
    PERFORM emit_flush_message(p_team_id);
  END IF;
  PERFORM set_config('prism.team', '', false);
  RESET enable_seqscan;
  IF v_shard IS NOT NULL THEN
    RESET search_path;
  END IF;
  COMMIT;

  -- 10. Set the other results.
  IF c_keyed AND true = ALL (v_replayed) THEN
    state := 'replayed';
  END IF;
  codes := array_to_string(v_codes, ',', '');
  replayed := array_to_string(v_replayed, '');
  durations := (
    SELECT string_agg(COALESCE(date_part('epoch', e.ended - e.started), 0)::text, ',' ORDER BY e.position)
      FROM (SELECT i.position, i.ended, lag(i.ended, 1, v_loop_start) OVER (ORDER BY i.ended) AS started
              FROM unnest(v_ended) WITH ORDINALITY AS i (ended, position)) AS e);
  internal_errors := v_internal_errors::text;
END
$$;
