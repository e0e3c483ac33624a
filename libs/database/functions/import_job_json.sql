-- An import job as the API returns it, as JSON text.
--
--   p_results  elements of the array of results
CREATE OR REPLACE FUNCTION import_job_json(p_job import_jobs, p_results text) RETURNS text
LANGUAGE sql STABLE AS $$
  SELECT '{"job_id": "' || (p_job).id || '", "status": "' || (p_job).status || '", "total": ' || (p_job).total
      || ', "processed": ' || (p_job).processed || ', "succeeded": ' || (p_job).succeeded || ', "failed": ' || (p_job).failed
      || ', "created_at": "' || format_timestamp((p_job).created_at)
      || '", "updated_at": "' || format_timestamp((p_job).updated_at)
      || '", "expires_at": "' || format_timestamp((p_job).expires_at)
      || '", "results": [' || p_results || ']}'
$$;
