-- Applies one item of a plan, whatever its operation.
--
--   p_item  {"op": "update" | "read" | "delete" | "restore" | "create" | "duplicate" | "reject", "id", "if_match"?, "lookups"?,
--           "match"?, and the operands of the op}. update: with "skip_unchanged", an update that would change nothing is none;
--           duplicate: {"source"}, the record to copy; reject: {"code", "error"}, an item that validation rejected. lookups: those
--           whose value the item sets or clears; match: what record it is for (resolve_match)
--   code    NULL: applied. Else the item error code
--   error   the error object as JSON text. NULL: item_error(code, false)
--   effect  created, updated, deleted, restored or unchanged
--   image   the record after the change
CREATE OR REPLACE FUNCTION apply_item(p_team_id uuid, p_object_type text, p_item jsonb,
                                      OUT code text, OUT error text, OUT effect text, OUT image record_image)
LANGUAGE plpgsql AS $$
DECLARE
  c_op       CONSTANT text := p_item ->> 'op';
  c_id       CONSTANT uuid := CASE WHEN c_op <> 'reject' THEN (p_item ->> 'id')::uuid END;
  c_if_match CONSTANT text := p_item ->> 'if_match'; -- record_etag
  c_skip     CONSTANT boolean := p_item ? 'skip_unchanged';
  v_record   records;
  v_resolved record; -- the outcome of the item that a match stands for
BEGIN
  IF p_item ?| ARRAY['lookups', 'create'] THEN
    PERFORM lock_lookups(p_team_id, ARRAY[p_item]);
  END IF;
  IF p_item ? 'match' THEN
    SELECT a.* INTO v_resolved
      FROM apply_item(p_team_id, p_object_type, resolve_match(p_team_id, p_object_type, p_item)) AS a;
    code := v_resolved.code;
    error := v_resolved.error;
    effect := v_resolved.effect;
    image := v_resolved.image;
    RETURN;
  END IF;
  effect := item_effect(c_op);
  CASE c_op
    WHEN 'reject' THEN
      code := p_item ->> 'code';
      error := p_item ->> 'error';
      RETURN;
    WHEN 'update' THEN
      LOOP
        IF c_skip THEN
          SELECT r.* INTO v_record FROM records AS r
           WHERE r.team_id = p_team_id AND r.id = c_id AND r.object_type = p_object_type AND r.deleted_at IS NULL
             AND (c_if_match IS NULL OR record_etag(r.version, r.updated_at) = c_if_match);
          EXIT WHEN NOT FOUND;
          IF NOT is_changed(v_record, p_item) THEN
            effect := 'unchanged';
            EXIT;
          END IF;
        END IF;
        UPDATE records AS r
           SET properties = patch_block(r.properties, COALESCE(p_item -> 'default', p_item)),
               list = patch_lists(r.list, p_item -> 'list'),
               extended = patch_block(r.extended, p_item -> 'extended'),
               version = r.version + 1, updated_at = now()
         WHERE r.team_id = p_team_id AND r.id = c_id AND r.object_type = p_object_type AND r.deleted_at IS NULL
           AND (c_if_match IS NULL OR record_etag(r.version, r.updated_at) = c_if_match)
           AND (NOT c_skip OR is_changed(r, p_item))
        RETURNING r.* INTO v_record;
        EXIT WHEN FOUND OR NOT c_skip; -- else another transaction has changed the record since: look again
      END LOOP;
    WHEN 'read' THEN
      SELECT r.* INTO v_record FROM records AS r
       WHERE r.team_id = p_team_id AND r.id = c_id AND r.object_type = p_object_type AND r.deleted_at IS NULL
         AND (c_if_match IS NULL OR record_etag(r.version, r.updated_at) = c_if_match);
    WHEN 'delete' THEN
      UPDATE records AS r
         SET deleted_at = now(), version = r.version + 1, updated_at = now()
       WHERE r.team_id = p_team_id AND r.id = c_id AND r.object_type = p_object_type AND r.deleted_at IS NULL
         AND (c_if_match IS NULL OR record_etag(r.version, r.updated_at) = c_if_match)
      RETURNING r.* INTO v_record;
    WHEN 'restore' THEN
      -- The lock decides whether the record is deleted: a live one stays as it is.
      SELECT r.* INTO v_record FROM records AS r
       WHERE r.team_id = p_team_id AND r.id = c_id AND r.object_type = p_object_type
         AND (c_if_match IS NULL OR record_etag(r.version, r.updated_at) = c_if_match)
         FOR NO KEY UPDATE;
      IF v_record.deleted_at IS NULL THEN
        effect := 'unchanged';
      ELSE
        UPDATE records AS r
           SET deleted_at = NULL, version = r.version + 1, updated_at = now()
         WHERE r.team_id = p_team_id AND r.id = c_id
        RETURNING r.* INTO v_record;
      END IF;
    WHEN 'create' THEN
      INSERT INTO records AS r (team_id, id, object_type, properties, list, extended)
      VALUES (p_team_id, c_id, p_object_type, p_item -> 'properties', p_item -> 'list', p_item -> 'extended')
      RETURNING r.* INTO v_record;
    WHEN 'duplicate' THEN
      INSERT INTO records AS r (team_id, id, object_type, properties, list, extended)
      SELECT s.team_id, c_id, s.object_type, s.properties, s.list, s.extended FROM records AS s
       WHERE s.team_id = p_team_id AND s.id = (p_item ->> 'source')::uuid AND s.object_type = p_object_type
         AND s.deleted_at IS NULL
      RETURNING r.* INTO v_record;
  END CASE;

  IF v_record.id IS NULL THEN
    -- No row matched: either the record has another etag, or there is no such record.
    code := CASE WHEN c_if_match IS NOT NULL AND EXISTS (
      SELECT FROM records AS r
       WHERE r.team_id = p_team_id AND r.id = c_id AND r.object_type = p_object_type
         AND (r.deleted_at IS NULL OR c_op = 'restore')
    ) THEN 'precondition_failed' ELSE 'not_found' END;
    effect := NULL;
  ELSE
    IF c_op = 'delete' THEN
      DELETE FROM record_lookups AS l WHERE l.team_id = p_team_id AND l.record_id = c_id;
    ELSIF p_item ? 'lookups' THEN
      PERFORM store_lookups(p_team_id, v_record.id, v_record.properties, p_item -> 'lookups');
    END IF;
    image := (v_record.id, v_record.version, v_record.properties, v_record.list, v_record.extended,
              v_record.created_at, v_record.updated_at, NULL);
  END IF;
END
$$;
