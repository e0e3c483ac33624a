INSERT INTO clients (team_id, id, name) VALUES ($1, $2, $3)
ON CONFLICT (team_id, name) DO NOTHING
RETURNING id, name, created_at
