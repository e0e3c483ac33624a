-- A rate limit that is not given (NULL) keeps its value.
INSERT INTO client_limits AS l (team_id, client_id, items_per_second, items_burst, requests_per_second, requests_burst,
                                bytes_per_second, bytes_burst)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
ON CONFLICT (team_id, client_id) DO UPDATE
SET items_per_second = COALESCE(EXCLUDED.items_per_second, l.items_per_second),
    items_burst = COALESCE(EXCLUDED.items_burst, l.items_burst),
    requests_per_second = COALESCE(EXCLUDED.requests_per_second, l.requests_per_second),
    requests_burst = COALESCE(EXCLUDED.requests_burst, l.requests_burst),
    bytes_per_second = COALESCE(EXCLUDED.bytes_per_second, l.bytes_per_second),
    bytes_burst = COALESCE(EXCLUDED.bytes_burst, l.bytes_burst)
