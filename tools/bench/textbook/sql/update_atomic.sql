-- $1 team, $2 object type, $3 the items of the request. In the order of the ids, so that batches do not deadlock.
WITH changed AS (
  UPDATE records AS r
     SET properties = r.properties || given.properties, version = r.version + 1, updated_at = now()
    FROM (SELECT (item ->> 'id')::uuid AS id, item -> 'default' AS properties
            FROM jsonb_array_elements($3::jsonb) AS item
           ORDER BY 1) AS given
   WHERE r.team_id = $1::uuid AND r.object_type = $2::text AND r.id = given.id AND r.deleted_at IS NULL
  RETURNING '{"id":"' || r.id || '","status":"ok","etag":"\"' || r.version || '\"","record":{"id":"' || r.id
         || '","default":' || r.properties::text || ',"list":' || r.list::text || '}}' AS entry
)
SELECT COALESCE(string_agg(entry, ','), '') AS results, count(*)::integer AS count FROM changed
