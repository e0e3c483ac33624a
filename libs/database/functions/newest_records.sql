-- A page of the live records of a team, newest first.
--
--   p_before, p_before_id  the time and id of the record before the page; NULL for the first page
--
-- The plan is kept: force_generic_plan, because Postgres would plan each call again for the unknown number of rows. With enable_sort
-- off, that plan reads the index in this order and stops after the page, for a team of any size. Otherwise it would be the plan for a
-- team of average size, which reads and sorts all records of the team.
CREATE OR REPLACE FUNCTION newest_records(
  p_team_id uuid, p_object_type text, p_before timestamptz, p_before_id uuid, p_rows integer)
RETURNS SETOF records
LANGUAGE plpgsql SET enable_sort TO off SET plan_cache_mode TO force_generic_plan AS $$
BEGIN
  PERFORM hold_placement(p_team_id);
  IF p_before IS NULL THEN
    RETURN QUERY
      SELECT * FROM records AS r
       WHERE r.team_id = p_team_id AND r.object_type = p_object_type AND r.deleted_at IS NULL
       ORDER BY r.created_at DESC, r.id DESC LIMIT p_rows;
  ELSE
    RETURN QUERY
      SELECT * FROM records AS r
       WHERE r.team_id = p_team_id AND r.object_type = p_object_type AND r.deleted_at IS NULL
         AND (r.created_at, r.id) < (p_before, p_before_id)
       ORDER BY r.created_at DESC, r.id DESC LIMIT p_rows;
  END IF;
END
$$;
