-- How records spell the values that the unfinished rows of a job look for without regard to case: up to two spellings of each
-- value that a record has. It reads every live record of the object type once. SECURITY DEFINER, like claim_import_job.
--
-- With this collation, lower() has the same result in a database of any locale, and the result of toLowerCase() in JavaScript, which
-- compares the rows.
CREATE OR REPLACE FUNCTION find_import_spellings(p_team_id uuid, p_job_id uuid) RETURNS TABLE (value text, spellings text[])
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
  RETURN QUERY
    WITH wanted AS MATERIALIZED (
      SELECT DISTINCT m.match ->> 'slug' AS slug, m.match ->> 'value' AS value,
                      lower((m.match ->> 'value') COLLATE "und-x-icu") AS folded
        FROM import_chunks AS c
       CROSS JOIN LATERAL (SELECT i -> 'match' AS match FROM jsonb_array_elements(c.items::jsonb) AS i WHERE i ? 'fold') AS m
       WHERE c.team_id = p_team_id AND c.job_id = p_job_id AND c.results IS NULL
    )
    SELECT w.value, (array_agg(DISTINCT r.spelling))[1:2]
      FROM wanted AS w
      JOIN (SELECT s.properties ->> (SELECT o.slug FROM wanted AS o LIMIT 1) AS spelling -- all rows look for the same property
              FROM records AS s
             WHERE s.team_id = p_team_id AND s.deleted_at IS NULL
               AND s.object_type = (SELECT j.object_type FROM import_jobs AS j WHERE j.team_id = p_team_id AND j.id = p_job_id)) AS r
        ON lower(r.spelling COLLATE "und-x-icu") = w.folded
     GROUP BY w.value;
END
$$;
REVOKE EXECUTE ON FUNCTION find_import_spellings FROM PUBLIC;
