-- Applies items in the transaction of the caller, for a batch that is one transaction.
--
-- The items share one subtransaction, because Postgres slows down when a transaction has more than 64. If an item raises an
-- error, the subtransaction is rolled back. The items before it are then applied again in another one, which is kept, and the item
-- is tried once more as the first of the next. If it raises an error there, it has failed.
--
-- Every transaction locks the records that its items name in the order of their ids. Two of them can deadlock only through records
-- that items match. Items that neither set a value of a lookup nor match one are independent, except for those of the same record:
-- they are applied in that order. Otherwise the items are applied in the order of the request, and the records that they name are
-- locked first.
--
--   p_items               all items of the batch, by position in the request
--   p_order               the positions of the items to apply, in the order of the request
--   p_atomic              end at the first failure in the database: the caller rolls everything back
--   p_record_limit_bytes  the largest record that a change may produce (record_size)
--   p_check_from          from then on, check before each item whether it may start, and limit its wait for a lock to the time left
--   p_deadline            items that have not started by then are not_attempted
--   bytes_left            what is left for the records of the response
--   effects               by position: the usual effects of the operations, then those of the items
--   codes, errors, images, ended, internal_errors
--                         the outcomes by position in the request, as apply_batch has them
CREATE OR REPLACE FUNCTION apply_items_in_one_transaction(
  p_team_id uuid, p_object_type text, p_items jsonb[], p_order integer[], p_atomic boolean, p_minimal boolean,
  p_record_limit_bytes integer, p_lock_timeout_ms integer, p_check_from timestamptz, p_deadline timestamptz,
  INOUT bytes_left bigint, INOUT effects text[], OUT codes text[], OUT errors text[], OUT images record_image[],
  OUT ended timestamptz[], OUT internal_errors jsonb)
LANGUAGE plpgsql AS $$
DECLARE
  v_order             integer[]; -- the positions of the items, in the order in which they are applied
  v_lock_order        integer[] := '{}'; -- the positions of the items whose records are locked before the first item is applied
  v_lock_first        boolean := true; -- lock these records, and the values of all items, before the first item is applied
  v_stopped           boolean := false; -- the call was canceled, or the server is read-only: no further item starts
  -- Indexes of v_order.
  v_first             integer := 1; -- the first item of the subtransaction
  v_last              integer := cardinality(p_order); -- its last item
  v_current           integer; -- its current item; 0 while records and values are locked first
  v_bytes_left_before bigint; -- before the subtransaction
  v_detail            text; -- PG_EXCEPTION_DETAIL of an error
  v_result            record;
  n                   integer; -- the position of the current item
BEGIN
  codes := array_fill(NULL::text, ARRAY[cardinality(p_items)]);
  errors := codes;
  images := array_fill(NULL::record_image, ARRAY[cardinality(p_items)]);
  ended := array_fill(NULL::timestamptz, ARRAY[cardinality(p_items)]);
  internal_errors := '{}';
  IF EXISTS (SELECT FROM unnest(p_items) AS item WHERE item ?| ARRAY['lookups', 'match']) THEN
    v_order := p_order;
    v_lock_order := ARRAY(SELECT o.n FROM unnest(p_order) AS o (n)
                           WHERE p_items[o.n] ->> 'op' IN ('update', 'delete', 'restore') AND NOT p_items[o.n] ? 'match'
                           ORDER BY (p_items[o.n] ->> 'id')::uuid);
  ELSE
    v_order := ARRAY(SELECT o.n FROM unnest(p_order) AS o (n)
                      ORDER BY CASE WHEN p_items[o.n] ->> 'op' NOT IN ('create', 'duplicate')
                                    THEN (p_items[o.n] ->> 'id')::uuid END, o.n);
  END IF;
  WHILE v_first <= cardinality(v_order) LOOP
    v_bytes_left_before := bytes_left;
    BEGIN
      n := v_order[v_first];
      IF v_lock_first AND v_first < v_last AND NOT v_stopped THEN
        v_current := 0;
        PERFORM lock_lookups(p_team_id, ARRAY(SELECT p_items[o.n] FROM unnest(v_order[v_first:v_last]) AS o (n)
                                               WHERE p_items[o.n] ?| ARRAY['lookups', 'create']));
        FOREACH n IN ARRAY v_lock_order LOOP
          EXIT WHEN clock_timestamp() >= p_deadline; -- no item starts then
          IF clock_timestamp() >= p_check_from THEN
            PERFORM set_config('lock_timeout', LEAST(p_lock_timeout_ms,
              GREATEST(1, ceil(1000 * date_part('epoch', p_deadline - clock_timestamp()))))::text, false);
          END IF;
          PERFORM FROM records AS r
            WHERE r.team_id = p_team_id AND r.id = (p_items[n] ->> 'id')::uuid AND r.object_type = p_object_type
              FOR NO KEY UPDATE;
        END LOOP;
      END IF;
      v_current := v_first;
      WHILE v_current <= v_last LOOP
        n := v_order[v_current];
        IF v_stopped OR clock_timestamp() >= p_deadline THEN
          codes[n] := 'not_attempted';
        ELSE
          IF clock_timestamp() >= p_check_from THEN
            PERFORM set_config('lock_timeout', LEAST(p_lock_timeout_ms,
              GREATEST(1, ceil(1000 * date_part('epoch', p_deadline - clock_timestamp()))))::text, false);
          END IF;
          SELECT a.* INTO v_result FROM apply_item(p_team_id, p_object_type, p_items[n]) AS a;
          codes[n] := v_result.code;
          errors[n] := v_result.error;
          IF v_result.code IS NULL THEN
            effects[n] := v_result.effect;
            SELECT l.* INTO v_result
              FROM enforce_record_limits(v_result.image, bytes_left, p_minimal,
                                         CASE WHEN p_items[n] ->> 'op' IN ('update', 'create')
                                              THEN p_record_limit_bytes END) AS l;
            images[n] := v_result.image;
            bytes_left := v_result.bytes_left;
          END IF;
          ended[n] := clock_timestamp();
        END IF;
        EXIT WHEN p_atomic AND codes[n] IS NOT NULL AND p_items[n] ->> 'op' <> 'reject';
        v_current := v_current + 1;
      END LOOP;
      EXIT WHEN v_current <= v_last; -- a failure has ended the batch
      v_first := v_last + 1;
      v_last := cardinality(v_order);
    EXCEPTION WHEN query_canceled OR OTHERS THEN
      bytes_left := v_bytes_left_before;
      v_stopped := v_stopped OR SQLSTATE IN ('57014', '25006'); -- query_canceled, read_only_sql_transaction
      IF SQLSTATE = '25006' THEN
        internal_errors := internal_errors || jsonb_build_object(n, SQLSTATE);
      END IF;
      IF v_current = 0 AND NOT p_atomic THEN
        v_lock_first := false; -- each item takes its own locks, so that only the items whose locks are held elsewhere fail
      ELSIF v_current > v_first AND NOT p_atomic THEN
        v_last := v_current - 1; -- apply the items before it again, and keep them
      ELSE -- it was the first item, or ends the batch: it has failed
        GET STACKED DIAGNOSTICS v_detail = PG_EXCEPTION_DETAIL;
        SELECT f.* INTO v_result FROM item_failure(SQLSTATE, v_detail) AS f;
        codes[n] := v_result.code;
        errors[n] := v_result.error;
        images[n] := NULL;
        IF v_result.internal_error IS NOT NULL THEN
          internal_errors := internal_errors || jsonb_build_object(n, v_result.internal_error);
        END IF;
        EXIT WHEN p_atomic;
        v_first := v_current + 1;
        v_last := cardinality(v_order);
      END IF;
    END;
  END LOOP;
END
$$;
