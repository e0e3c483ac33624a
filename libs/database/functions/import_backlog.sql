-- What is left to import, of all teams. SECURITY DEFINER, like claim_import_job.
--
--   oldest_seconds  age of the oldest unfinished job; 0 without one
CREATE OR REPLACE FUNCTION import_backlog(OUT jobs integer, OUT pending_rows integer, OUT oldest_seconds double precision)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT AS $$
  SELECT count(*)::integer, COALESCE(sum(j.total - j.processed), 0)::integer,
         COALESCE(EXTRACT(EPOCH FROM now() - min(j.created_at)), 0)::double precision
    FROM import_jobs AS j
   WHERE j.status = 'processing' AND NOT j.within_request AND j.expires_at > now()
$$;
REVOKE EXECUTE ON FUNCTION import_backlog FROM PUBLIC;
