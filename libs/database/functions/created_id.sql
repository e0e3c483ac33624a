-- The id of the record that an item of a keyed batch creates: a UUIDv7 with the time of the request, and the position of the item.
-- The same in every attempt at the request, and in no other request: its id in the ledger is unique, and with the time also
-- after a restore of the database to an earlier state.
CREATE OR REPLACE FUNCTION created_id(p_key_hash bytea, p_request_id bigint, p_created_at timestamptz, p_position integer)
RETURNS uuid
LANGUAGE sql IMMUTABLE AS $$
  SELECT (lpad(to_hex(floor(extract(epoch FROM p_created_at) * 1000)::bigint), 12, '0')
          || '7' || lpad(to_hex(p_position), 3, '0')
          || substr('89ab', (get_byte(hash, 31) & 3) + 1, 1) || substr(encode(hash, 'hex'), 1, 15))::uuid
    FROM (SELECT sha256(p_key_hash || int8send(p_request_id) || int4send(p_position)
                        || int8send((extract(epoch FROM p_created_at) * 1000000)::bigint)) AS hash) AS hashed
$$;
