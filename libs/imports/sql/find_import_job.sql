-- A job that is kept, with the results of its finished chunks. The tenant context is set first, as in find_record.sql.
WITH context AS MATERIALIZED (SELECT set_config('prism.team', ($1::uuid)::text, true)::uuid AS team)
SELECT found.job
  FROM context
 CROSS JOIN LATERAL (
   SELECT import_job_json(ROW(j.*)::import_jobs, COALESCE((
            SELECT string_agg(c.results, ', ' ORDER BY c.chunk) FROM import_chunks AS c
             WHERE c.team_id = $1::uuid AND c.job_id = j.id AND c.results IS NOT NULL), '')) AS job
     FROM import_jobs AS j
    WHERE j.team_id = context.team AND j.team_id = $1::uuid AND j.id = $2::uuid AND NOT j.within_request AND j.expires_at > now()
   OFFSET 0
 ) AS found
