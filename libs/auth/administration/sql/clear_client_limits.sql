DELETE FROM client_limits WHERE team_id = $1 AND client_id = $2
