-- One change of the definitions of a team at a time, of all object types, because some limits are for all of them: what is read
-- after this stays so until the commit.
SELECT pg_advisory_xact_lock(hashtextextended('property_definitions ' || ($1::uuid)::text, 0))
