-- The record of an item that another attempt has applied but whose outcome it has not stored: the record as it is now. Only
-- the id if the record does not exist any more.
CREATE OR REPLACE FUNCTION read_item(p_team_id uuid, p_object_type text, p_item jsonb)
RETURNS record_image
LANGUAGE sql STABLE AS $$
  SELECT (p_item ->> 'id')::uuid, found.version,
         found.properties, found.list, found.extended, found.created_at, found.updated_at, NULL::boolean
    FROM (VALUES (true)) AS one
    LEFT JOIN records AS found
      ON found.team_id = p_team_id AND found.id = (p_item ->> 'id')::uuid AND found.object_type = p_object_type
     AND (found.deleted_at IS NULL OR p_item ->> 'op' = 'delete')
$$;
