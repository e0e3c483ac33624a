-- Row-level security needs prism.team before the lookup. The lookup therefore depends on the row of the CTE that sets it, and
-- OFFSET 0 prevents the planner from joining the two in another order. team_id is compared with the parameter too, which tells
-- a cluster the node of the team.
WITH context AS MATERIALIZED (SELECT set_config('prism.team', ($1::uuid)::text, true)::uuid AS team)
SELECT found.etag, found.record
  FROM context
 CROSS JOIN LATERAL (
   SELECT record_etag(r.version, r.updated_at) AS etag,
          record_json(r.id, r.properties, r.list, r.extended, r.created_at, r.updated_at) AS record
     FROM records AS r
    WHERE r.team_id = context.team AND r.team_id = $1::uuid AND r.object_type = $2::text AND r.id = $3::uuid AND r.deleted_at IS NULL
   OFFSET 0
 ) AS found
