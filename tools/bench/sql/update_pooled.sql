UPDATE records
   SET properties = properties || $3::jsonb, version = version + 1, updated_at = now()
 WHERE team_id = $1::uuid AND id = $2::uuid
