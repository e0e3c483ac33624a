-- One step of building or removing a lookup, of any team: it visits the next records, or deletes the next rows. Call it until
-- `state` is NULL: then there is nothing to do. A worker may stop between any two steps, and several may run at once: each takes
-- a property that no other one works on.
--
-- Gateways store the values that are written from the moment that they know the definition. A lookup is therefore built when every
-- write that was planned under an older definition has ended: p_grace after the definition was changed.
--
-- A step locks the records that it visits, so that none is written meanwhile. It locks them in the order of their ids, as
-- apply_batch does, so that no two can deadlock, and raises lock_not_available instead of waiting for long.
--
--   p_rows       how many records to visit, or rows to delete
--   property_id  what the step was about
--   state        of that property now; removed
--   handled      how many records were visited, or rows deleted
CREATE OR REPLACE FUNCTION build_lookups(p_grace interval, p_rows integer,
                                         OUT property_id uuid, OUT state text, OUT handled integer)
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
  c_first CONSTANT uuid := '00000000-0000-0000-0000-000000000000';
  d       property_definitions;
  v_kind  text;
  v_last  uuid; -- the last record to visit
BEGIN
  PERFORM set_config('lock_timeout', '200', true);
  SELECT p.* INTO d FROM property_definitions AS p
   WHERE p.lookup_state IN ('building', 'verifying', 'removing') AND p.lookup_since <= now() - p_grace
   ORDER BY p.lookup_since
   LIMIT 1
     FOR UPDATE SKIP LOCKED;
  IF NOT FOUND THEN
    RETURN;
  END IF;
  property_id := d.id;
  state := d.lookup_state;

  IF state = 'removing' THEN
    DELETE FROM record_lookups AS s
     WHERE s.team_id = d.team_id AND s.property_id = d.id
       AND s.record_id = ANY (ARRAY(
             SELECT l.record_id FROM record_lookups AS l
              WHERE l.team_id = d.team_id AND l.property_id = d.id
              LIMIT p_rows));
    GET DIAGNOSTICS handled = ROW_COUNT;
    IF handled < p_rows THEN
      state := 'removed';
      UPDATE property_definitions AS p SET lookup_state = NULL WHERE p.team_id = d.team_id AND p.id = d.id;
    END IF;
    RETURN;
  END IF;

  SELECT (array_agg(r.id ORDER BY r.id DESC))[1], count(*) INTO v_last, handled
    FROM (SELECT n.id FROM records AS n
           WHERE n.team_id = d.team_id AND n.id > COALESCE(d.lookup_cursor, c_first)
           ORDER BY n.id
           LIMIT p_rows) AS r;
  IF v_last IS NOT NULL THEN
    v_kind := CASE d.type WHEN 'num' THEN 'number' WHEN 'date' THEN 'date' ELSE 'text' END;
    WITH visited AS MATERIALIZED (
      SELECT r.id, r.properties FROM records AS r
       WHERE r.team_id = d.team_id AND r.id > COALESCE(d.lookup_cursor, c_first) AND r.id <= v_last
         AND r.object_type = d.object_type AND r.deleted_at IS NULL
       ORDER BY r.id
         FOR SHARE
    ), hashed AS MATERIALIZED (
      SELECT v.id, lookup_hash(v_kind, v.properties -> d.slug) AS value_hash FROM visited AS v
    ), cleared AS (
      -- Rows from before the lookup was removed and added again.
      DELETE FROM record_lookups AS s USING hashed AS h
       WHERE h.value_hash IS NULL AND s.team_id = d.team_id AND s.record_id = h.id AND s.property_id = d.id
    )
    INSERT INTO record_lookups AS s (team_id, record_id, property_id, value_hash)
    SELECT d.team_id, h.id, d.id, h.value_hash FROM hashed AS h WHERE h.value_hash IS NOT NULL
    ON CONFLICT ON CONSTRAINT record_lookups_pkey DO UPDATE SET value_hash = excluded.value_hash
     WHERE s.value_hash <> excluded.value_hash;
    UPDATE property_definitions AS p SET lookup_cursor = v_last WHERE p.team_id = d.team_id AND p.id = d.id;
    RETURN;
  END IF;

  -- Every record was visited.
  state := 'ready';
  IF d.lookup = 'unique' THEN
    -- A writer that has not seen a value of a visited record may still be about to commit the same value. This waits for it.
    PERFORM lock_key(d.team_id, lookup_lock_key(d.team_id, d.id, NULL));
    IF EXISTS (SELECT FROM record_lookups AS s
                WHERE s.team_id = d.team_id AND s.property_id = d.id
                GROUP BY s.value_hash
               HAVING count(*) > 1) THEN
      state := 'failed';
    END IF;
  END IF;
  UPDATE property_definitions AS p SET lookup_state = state, lookup_cursor = NULL WHERE p.team_id = d.team_id AND p.id = d.id;
END
$$;
REVOKE EXECUTE ON FUNCTION build_lookups FROM PUBLIC;
