INSERT INTO import_chunks (team_id, job_id, chunk, row_count, items)
VALUES ($1::uuid, $2::uuid, $3::integer, $4::integer, $5::text)
