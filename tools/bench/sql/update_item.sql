-- For pgbench: the change of one item, in its own transaction.
\set n random(0, :records - 1)
\set employees random(0, 99999)
\set stage random(1, 5)
UPDATE records
   SET properties = properties || jsonb_build_object('employees', :employees::integer, 'stage',
         (ARRAY['lead', 'qualified', 'proposal', 'won', 'lost'])[:stage::integer]),
       version = version + 1, updated_at = now()
 WHERE team_id = :team::uuid AND id = (:prefix || lpad(to_hex(:n::bigint), 12, '0'))::uuid;
