UPDATE property_definitions AS d SET name = $3::text, required = $4::boolean, updated_at = now()
 WHERE d.team_id = $1::uuid AND d.id = $2::uuid
