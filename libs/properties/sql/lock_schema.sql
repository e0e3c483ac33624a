-- One change of the definitions of a team and object type at a time: what is read after this stays so until the commit.
SELECT pg_advisory_xact_lock(hashtextextended('property_definitions ' || ($1::uuid)::text || ' ' || $2::text, 0))
