-- The worker begins anew, after the time in which gateways may write by the previous definition.
UPDATE property_definitions AS d SET lookup = $3::text, lookup_state = $4::text, lookup_since = now(), lookup_cursor = NULL
 WHERE d.team_id = $1::uuid AND d.id = $2::uuid
