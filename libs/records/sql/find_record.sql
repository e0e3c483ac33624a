SELECT r.version::text AS version,
       record_json(r.id, r.properties, r.list, r.extended, r.created_at, r.updated_at) AS record
  FROM records AS r
 WHERE r.team_id = $1::uuid AND r.object_type = $2::text AND r.id = $3::uuid AND r.deleted_at IS NULL
