SELECT id, name, created_at FROM teams ORDER BY created_at, id
