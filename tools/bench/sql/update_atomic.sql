-- For pgbench: the changes of a batch in one statement and transaction. The server selects the records itself, so that no
-- input is parsed, and in the order of their ids, so that transactions do not deadlock.
UPDATE records AS r
   SET properties = properties || jsonb_build_object('employees', given.employees, 'stage',
         (ARRAY['lead', 'qualified', 'proposal', 'won', 'lost'])[given.stage]),
       version = version + 1, updated_at = now()
  FROM (SELECT (:prefix || lpad(to_hex(floor((i + random()) * :records::integer / 100)::bigint), 12, '0'))::uuid AS id,
               floor(random() * 100000)::integer AS employees, 1 + floor(random() * 5)::integer AS stage
          FROM generate_series(0, 99) AS i) AS given
 WHERE r.team_id = :team::uuid AND r.id = given.id;
