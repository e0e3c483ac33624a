-- The property definitions and options of a team, each as one JSON text: an array of json values would take ten times as long to parse.
-- Both are NULL if their checksum is $2. One statement, so one snapshot: no option without its property.
-- The tenant context is set first, as in find_record.sql: both lookups depend on it.
WITH context AS MATERIALIZED (SELECT set_config('prism.team', ($1::uuid)::text, true)::uuid AS team),
team_rows AS MATERIALIZED (
  SELECT
    (SELECT COALESCE(json_agg(json_build_object(
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
                              ORDER BY d.created_at, d.id), '[]')::text
       FROM property_definitions d
      WHERE d.team_id = context.team) AS definitions,
    (SELECT COALESCE(json_agg(json_build_object('property_id', o.property_id, 'id', o.id, 'slug', o.slug, 'value', o.value)
                              ORDER BY o.property_id, o.position, o.slug), '[]')::text
       FROM property_options o
      WHERE o.team_id = context.team) AS options
  FROM context
),
checked AS MATERIALIZED (
  SELECT definitions, options, encode(sha256(convert_to(definitions || options, 'UTF8')), 'hex') AS checksum FROM team_rows
)
SELECT checksum,
       CASE WHEN checksum IS DISTINCT FROM $2::text THEN definitions END AS definitions,
       CASE WHEN checksum IS DISTINCT FROM $2::text THEN options END AS options
FROM checked
