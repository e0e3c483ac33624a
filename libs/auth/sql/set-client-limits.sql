-- A limit that is not given ($3 and $4, $5 and $6) stays as it is.
INSERT INTO client_limits AS l (team_id, client_id, items_per_second, items_burst, requests_per_second, requests_burst)
VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (team_id, client_id) DO UPDATE
SET items_per_second = COALESCE(EXCLUDED.items_per_second, l.items_per_second),
    items_burst = COALESCE(EXCLUDED.items_burst, l.items_burst),
    requests_per_second = COALESCE(EXCLUDED.requests_per_second, l.requests_per_second),
    requests_burst = COALESCE(EXCLUDED.requests_burst, l.requests_burst)
