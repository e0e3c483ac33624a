-- $6: the position; NULL: the last.
INSERT INTO property_options (team_id, property_id, id, slug, value, position)
SELECT $1::uuid, $2::uuid, $3::uuid, $4::text, $5::text,
       COALESCE($6::integer, (SELECT max(o.position) + 1 FROM property_options AS o
                               WHERE o.team_id = $1::uuid AND o.property_id = $2::uuid), 0)
