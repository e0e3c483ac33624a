-- A record by its id.
SELECT json_build_object('id', id, 'default', properties, 'list', list)::text AS response
  FROM records
 WHERE team_id = $1 AND object_type = $2 AND id = $3 AND deleted_at IS NULL
