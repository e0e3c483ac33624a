DELETE FROM record_lookups AS l WHERE l.team_id = $1::uuid AND l.property_id = $2::uuid
