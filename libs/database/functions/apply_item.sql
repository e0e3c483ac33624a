-- Applies one item of a plan, whatever its operation.
--
--   p_item  {"op", "id", "if_match"?, "lookups"?, "match"?, "locks"?, and the operands of the op}
--           "lookups"  the lookups whose value the item sets or clears
--           "match"    finds the record of the item, instead of "id" (resolve_match)
--           "locks"    the keys of the locks on its values, if prepare_locks has computed them
--           The ops:
--           update     "set", or "default", "list" and "extended": the changes. "skip_unchanged": an update that would change
--                      nothing writes nothing
--           read       changes nothing
--           delete     marks the record as deleted
--           restore    undoes a delete
--           create     "properties", "list" and "extended": the record
--           duplicate  "source": the id of the record to copy
--           reject     "code" and "error": an item that validation rejected
--   code    NULL: applied. Else the item error code
--   error   the error object as JSON text. NULL: item_error(code, false)
--   effect  created, updated, deleted, restored or unchanged
--   image   the record after the change
CREATE OR REPLACE FUNCTION apply_item(p_team_id uuid, p_object_type text, p_item jsonb,
                                      OUT code text, OUT error text, OUT effect text, OUT image record_image)
LANGUAGE plpgsql AS $$
DECLARE
  v_item     jsonb := p_item;
  v_op       text;
  v_id       uuid;
  v_if_match text; -- record_etag
  v_skip     boolean;
  v_record   record; -- a row of records
BEGIN
  IF v_item ? 'locks' THEN
    PERFORM lock_key(p_team_id, key::bigint) FROM jsonb_array_elements_text(v_item -> 'locks') AS key;
  ELSIF v_item ?| ARRAY['lookups', 'create'] THEN
    PERFORM lock_lookups(p_team_id, ARRAY[v_item]);
  END IF;
  IF v_item ? 'match' THEN
    v_item := resolve_match(p_team_id, p_object_type, v_item);
  END IF;
  v_op := v_item ->> 'op';
  IF v_op = 'reject' THEN
    code := v_item ->> 'code';
    error := v_item ->> 'error';
    RETURN;
  END IF;
  v_id := (v_item ->> 'id')::uuid;
  v_if_match := v_item ->> 'if_match';
  v_skip := v_item ? 'skip_unchanged';
  effect := item_effect(v_op);
  CASE v_op
    WHEN 'update' THEN
      LOOP
        IF v_skip THEN
          SELECT r.* INTO v_record FROM records AS r
           WHERE r.team_id = p_team_id AND r.id = v_id AND r.object_type = p_object_type AND r.deleted_at IS NULL
             AND (v_if_match IS NULL OR record_etag(r.version, r.updated_at) = v_if_match);
          EXIT WHEN NOT FOUND;
          IF NOT changes_content(v_item, v_record.properties, v_record.list, v_record.extended) THEN
            effect := 'unchanged';
            EXIT;
          END IF;
        END IF;
        UPDATE records AS r
           SET properties = patch_block(r.properties, COALESCE(v_item -> 'default', v_item)),
               list = patch_lists(r.list, v_item -> 'list'),
               extended = patch_block(r.extended, v_item -> 'extended'),
               version = r.version + 1, updated_at = now()
         WHERE r.team_id = p_team_id AND r.id = v_id AND r.object_type = p_object_type AND r.deleted_at IS NULL
           AND (v_if_match IS NULL OR record_etag(r.version, r.updated_at) = v_if_match)
           AND (NOT v_skip OR changes_content(v_item, r.properties, r.list, r.extended))
        RETURNING r.* INTO v_record;
        EXIT WHEN FOUND OR NOT v_skip; -- else another transaction has changed the record since: look again
      END LOOP;
    WHEN 'read' THEN
      SELECT r.* INTO v_record FROM records AS r
       WHERE r.team_id = p_team_id AND r.id = v_id AND r.object_type = p_object_type AND r.deleted_at IS NULL
         AND (v_if_match IS NULL OR record_etag(r.version, r.updated_at) = v_if_match);
    WHEN 'delete' THEN
      UPDATE records AS r
         SET deleted_at = now(), version = r.version + 1, updated_at = now()
       WHERE r.team_id = p_team_id AND r.id = v_id AND r.object_type = p_object_type AND r.deleted_at IS NULL
         AND (v_if_match IS NULL OR record_etag(r.version, r.updated_at) = v_if_match)
      RETURNING r.* INTO v_record;
    WHEN 'restore' THEN
      -- The lock decides whether the record is deleted: a live one stays as it is.
      SELECT r.* INTO v_record FROM records AS r
       WHERE r.team_id = p_team_id AND r.id = v_id AND r.object_type = p_object_type
         AND (v_if_match IS NULL OR record_etag(r.version, r.updated_at) = v_if_match)
         FOR NO KEY UPDATE;
      IF v_record.deleted_at IS NULL THEN
        effect := 'unchanged';
      ELSE
        UPDATE records AS r
           SET deleted_at = NULL, version = r.version + 1, updated_at = now()
         WHERE r.team_id = p_team_id AND r.id = v_id
        RETURNING r.* INTO v_record;
      END IF;
    WHEN 'create' THEN
      INSERT INTO records AS r (team_id, id, object_type, properties, list, extended)
      VALUES (p_team_id, v_id, p_object_type, v_item -> 'properties', v_item -> 'list', v_item -> 'extended')
      RETURNING r.* INTO v_record;
    WHEN 'duplicate' THEN
      INSERT INTO records AS r (team_id, id, object_type, properties, list, extended)
      SELECT s.team_id, v_id, s.object_type, s.properties, s.list, s.extended FROM records AS s
       WHERE s.team_id = p_team_id AND s.id = (v_item ->> 'source')::uuid AND s.object_type = p_object_type
         AND s.deleted_at IS NULL
      RETURNING r.* INTO v_record;
  END CASE;

  IF v_record.id IS NULL THEN
    -- No row matched: either the record has another etag, or there is no such record.
    code := CASE WHEN v_if_match IS NOT NULL AND EXISTS (
      SELECT FROM records AS r
       WHERE r.team_id = p_team_id AND r.id = v_id AND r.object_type = p_object_type
         AND (r.deleted_at IS NULL OR v_op = 'restore')
    ) THEN 'precondition_failed' ELSE 'not_found' END;
    effect := NULL;
  ELSE
    IF v_op = 'delete' THEN
      DELETE FROM record_lookups AS l WHERE l.team_id = p_team_id AND l.record_id = v_id;
    ELSIF v_op = 'create' AND v_item ? 'lookups' THEN
      PERFORM insert_lookups(p_team_id, v_id, v_record.properties, v_item -> 'lookups');
    ELSIF v_item ? 'lookups' THEN
      PERFORM store_lookups(p_team_id, v_record.id, v_record.properties, v_item -> 'lookups');
    END IF;
    image := (v_record.id, v_record.version, v_record.properties, v_record.list, v_record.extended,
              v_record.created_at, v_record.updated_at, NULL);
  END IF;
END
$$;
