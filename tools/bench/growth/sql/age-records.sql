-- Changes one record in ten, hence some in every page: a page in service has an old version to clear away, and has been
-- changed since the last checkpoint.
UPDATE records SET version = version + 1, updated_at = now() WHERE get_byte(uuid_send(id), 15) % 10 = 0
