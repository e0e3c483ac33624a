DELETE FROM property_definitions AS d WHERE d.team_id = $1::uuid AND d.id = $2::uuid
