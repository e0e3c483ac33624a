-- The team is entered first (see 0007_team_wall.sql): its row is what the look-up depends on, and OFFSET 0 keeps the planner
-- from joining the two in another order.
WITH entered AS MATERIALIZED (SELECT set_config('prism.team', ($1::uuid)::text, true)::uuid AS team)
SELECT found.version, found.record
  FROM entered
 CROSS JOIN LATERAL (
   SELECT r.version::text AS version,
          record_json(r.id, r.properties, r.list, r.extended, r.created_at, r.updated_at) AS record
     FROM records AS r
    WHERE r.team_id = entered.team AND r.object_type = $2::text AND r.id = $3::uuid AND r.deleted_at IS NULL
   OFFSET 0
 ) AS found
