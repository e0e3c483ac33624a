-- Changes one record in ten, and so some in every page: each page then has a dead row version and was changed since the last
-- checkpoint.
UPDATE records SET version = version + 1, updated_at = now() WHERE get_byte(uuid_send(id), 15) % 10 = 0
