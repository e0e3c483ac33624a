WITH options AS (
  DELETE FROM property_options AS o WHERE o.team_id = $1::uuid AND o.property_id = $2::uuid
), lookups AS (
  DELETE FROM record_lookups AS l WHERE l.team_id = $1::uuid AND l.property_id = $2::uuid
)
DELETE FROM property_definitions AS d WHERE d.team_id = $1::uuid AND d.id = $2::uuid
