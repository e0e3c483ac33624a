-- One change of the definitions of a team at a time, of all object types, because some limits are for all of them: what is read
-- after this stays so until the commit.
SELECT lock_key($1::uuid, hashtextextended('property_definitions ' || ($1::uuid)::text, 0))
