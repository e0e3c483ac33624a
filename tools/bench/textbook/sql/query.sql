-- A page of records with this stage, newest first.
SELECT json_build_object('data', COALESCE(json_agg(page), '[]'))::text AS response
  FROM (SELECT id, json_build_object('name', properties -> 'name', 'stage', properties -> 'stage',
                                     'employees', properties -> 'employees') AS properties
          FROM records
         WHERE team_id = $1 AND object_type = $2 AND deleted_at IS NULL
           AND properties @> jsonb_build_object('stage', $3::text)
         ORDER BY created_at DESC, id DESC
         LIMIT 25) AS page
