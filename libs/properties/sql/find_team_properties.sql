-- The property definitions and options of a team. One statement, so one snapshot: no option without its property.
-- The tenant context is set first, as in find_record.sql: both lookups depend on it.
WITH context AS MATERIALIZED (SELECT set_config('prism.team', ($1::uuid)::text, true)::uuid AS team)
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
             'list_id', d.list_id,
             'lookup', d.lookup,
             'lookup_state', d.lookup_state)
      FROM property_definitions d
     WHERE d.team_id = context.team
     ORDER BY d.created_at, d.id
  ) AS definitions,
  ARRAY(
    SELECT json_build_object('property_id', o.property_id, 'id', o.id, 'slug', o.slug, 'value', o.value)
      FROM property_options o
     WHERE o.team_id = context.team
     ORDER BY o.property_id, o.position, o.slug
  ) AS options
FROM context
