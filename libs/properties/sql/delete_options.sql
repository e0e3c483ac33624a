DELETE FROM property_options AS o WHERE o.team_id = $1::uuid AND o.property_id = $2::uuid
