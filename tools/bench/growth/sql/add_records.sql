-- Inserts records $1 to $2 (excluded) of the teams $3 in turn, with the values of organizations.ts, which the caller checks.
-- $4: prefix of the ids, $5: the notes.
INSERT INTO records (team_id, id, object_type, properties)
SELECT ($3::uuid[])[1 + n % cardinality($3::uuid[])], ($4::text || lpad(to_hex(n), 12, '0'))::uuid, 'organization',
       jsonb_build_object(
         'name', 'Organization ' || n || ' of the Northern Trade Registry',
         'primary_domain', 'organization-' || n || '.example.com',
         'employees', n * 7919 % 100000,
         'stage', (ARRAY['lead', 'qualified', 'proposal', 'won', 'lost'])[1 + n % 5],
         'tags', jsonb_build_array('customer', 'region-' || (ARRAY['north', 'south', 'east', 'west'])[1 + n % 4],
                                   'since-' || 2000 + n % 26),
         'notes', $5::text)
  FROM generate_series($1::bigint, $2::bigint - 1) AS n
