-- The values of records that differ from these in case only, or not at all: up to two of each. It reads every live record of the
-- object type once. The tenant context is set first, as in find_record.sql.
-- The collation is that of find_import_spellings.
--
--   $3  slug of the property
--   $4  values
WITH context AS MATERIALIZED (SELECT set_config('prism.team', ($1::uuid)::text, true)::uuid AS team)
SELECT found.value, found.spellings
  FROM context
 CROSS JOIN LATERAL (
   SELECT w.value, (array_agg(DISTINCT r.properties ->> $3::text))[1:2] AS spellings
     FROM records AS r
     JOIN (SELECT v AS value, lower(v COLLATE "und-x-icu") AS folded FROM unnest($4::text[]) AS v) AS w
       ON w.folded = lower((r.properties ->> $3::text) COLLATE "und-x-icu")
    WHERE r.team_id = context.team AND r.team_id = $1::uuid AND r.object_type = $2::text AND r.deleted_at IS NULL
    GROUP BY w.value
   OFFSET 0
 ) AS found
