-- Claims the next import job of any team: of the client whose last turn is longest ago. Returns no row if there is none.
-- SECURITY DEFINER: the worker's role cannot read import_jobs.
CREATE OR REPLACE FUNCTION claim_import_job(p_owner uuid, p_lease interval)
RETURNS TABLE (team_id uuid, id uuid, client_name text, object_type text, request_id text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
  v_job record;
BEGIN
  IF is_cluster() THEN
    -- A cluster locks rows of one team at a time: of the next jobs, the first that no other worker takes.
    FOR v_job IN
      SELECT j.team_id, j.id
        FROM import_jobs AS j
        JOIN (SELECT o.team_id, o.client_id, max(o.claimed_at) AS turn FROM import_jobs AS o GROUP BY o.team_id, o.client_id) AS t
          ON t.team_id = j.team_id AND t.client_id = j.client_id
       WHERE j.status = 'processing' AND NOT j.within_request AND j.expires_at > now() AND j.next_attempt_at <= now()
         AND (j.lease_until IS NULL OR j.lease_until <= now())
       ORDER BY t.turn NULLS FIRST, j.created_at
       LIMIT 10
    LOOP
      RETURN QUERY
        UPDATE import_jobs AS j SET lease_owner = p_owner, lease_until = now() + p_lease, claimed_at = now()
         WHERE j.team_id = v_job.team_id AND j.id = v_job.id AND j.status = 'processing'
           AND (j.lease_until IS NULL OR j.lease_until <= now())
        RETURNING j.team_id, j.id, j.client_name, j.object_type, j.request_id;
      IF FOUND THEN
        RETURN;
      END IF;
    END LOOP;
    RETURN;
  END IF;
  RETURN QUERY
  WITH next AS MATERIALIZED (
    SELECT j.team_id, j.id FROM import_jobs AS j
     WHERE j.status = 'processing' AND NOT j.within_request AND j.expires_at > now() AND j.next_attempt_at <= now()
       AND (j.lease_until IS NULL OR j.lease_until <= now())
     ORDER BY (SELECT max(o.claimed_at) FROM import_jobs AS o WHERE o.team_id = j.team_id AND o.client_id = j.client_id)
              NULLS FIRST, j.created_at
     LIMIT 1
       FOR UPDATE SKIP LOCKED
  )
  UPDATE import_jobs AS j SET lease_owner = p_owner, lease_until = now() + p_lease, claimed_at = now()
    FROM next
   WHERE j.team_id = next.team_id AND j.id = next.id
  RETURNING j.team_id, j.id, j.client_name, j.object_type, j.request_id;
END
$$;
REVOKE EXECUTE ON FUNCTION claim_import_job FROM PUBLIC;
