-- A record as it is now, for an item that another attempt has applied but whose outcome it has not stored. Only the id if the
-- record does not exist any more.
--
--   p_deleted  the item has deleted the record
CREATE OR REPLACE FUNCTION current_image(p_team_id uuid, p_object_type text, p_id uuid, p_deleted boolean) RETURNS record_image
LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_image record_image;
BEGIN
  SELECT r.id, r.version, r.properties, r.list, r.extended, r.created_at, r.updated_at, NULL::boolean
    INTO v_image
    FROM records AS r
   WHERE r.team_id = p_team_id AND r.id = p_id AND r.object_type = p_object_type AND (r.deleted_at IS NULL OR p_deleted);
  v_image.id := p_id;
  RETURN v_image;
END
$$;
