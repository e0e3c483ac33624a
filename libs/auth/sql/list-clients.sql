SELECT id, name, created_at FROM clients WHERE team_id = $1 ORDER BY name
