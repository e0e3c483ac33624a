-- What a team defined itself. $1: team id.
-- One statement, hence one snapshot: an option never comes without its property.
SELECT
  ARRAY(
    SELECT json_build_object(
             'object_type', d.object_type,
             'id', d.id,
             'slug', d.slug,
             'type', d.type,
             'name', d.name,
             'required', d.required,
             'native', d.native,
             'locked', d.locked,
             'list_id', d.list_id)
      FROM property_definitions d
     WHERE d.team_id = $1
     ORDER BY d.created_at, d.id
  ) AS definitions,
  ARRAY(
    SELECT json_build_object('property_id', o.property_id, 'id', o.id, 'slug', o.slug, 'value', o.value)
      FROM property_options o
     WHERE o.team_id = $1
     ORDER BY o.property_id, o.position, o.slug
  ) AS options
