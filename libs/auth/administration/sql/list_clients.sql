SELECT c.id, c.name, c.created_at, l.items_per_second, l.items_burst, l.requests_per_second, l.requests_burst,
       l.bytes_per_second, l.bytes_burst
FROM clients c
LEFT JOIN client_limits l ON l.team_id = c.team_id AND l.client_id = c.id
WHERE c.team_id = $1
ORDER BY c.name
