-- The record of an item that another attempt has applied but whose outcome it has not stored: the record as it is now. Only
-- the id if the record does not exist any more.
CREATE OR REPLACE FUNCTION read_item(p_team_id uuid, p_object_type text, p_item jsonb)
RETURNS record_image
LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_image record_image;
BEGIN
  SELECT found.id, found.version, found.properties, found.list, found.extended, found.created_at, found.updated_at, NULL::boolean
    INTO v_image
    FROM records AS found
   WHERE found.team_id = p_team_id AND found.id = (p_item ->> 'id')::uuid AND found.object_type = p_object_type
     AND (found.deleted_at IS NULL OR p_item ->> 'op' = 'delete');
  v_image.id := (p_item ->> 'id')::uuid;
  RETURN v_image;
END
$$;
