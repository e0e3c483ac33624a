UPDATE property_options AS o SET value = $4::text, position = COALESCE($5::integer, o.position)
 WHERE o.team_id = $1::uuid AND o.property_id = $2::uuid AND o.id = $3::uuid
