-- A second wall behind the team_id in every statement: row-level security. Who has not entered a team finds no row of it,
-- whatever his statement forgets.
--
-- The policies sleep until `npm run admin -- wall on`, since they cost an item 7 to 8% more of Postgres (docs/security.md).
-- They hold for every role but the tables' owner, which migrates, keeps the ledger small and makes keys.
--
-- A statement enters a team by setting prism.team for its transaction; apply_batch, which is many transactions, sets it for
-- the session and takes it back. It is compared as text: that costs half as much as reading a UUID from it for each row, and
-- where nothing or nonsense is set, no row is found.
CREATE POLICY team_wall ON teams                USING (id::text = current_setting('prism.team', true));
CREATE POLICY team_wall ON clients              USING (team_id::text = current_setting('prism.team', true));
CREATE POLICY team_wall ON api_keys             USING (team_id::text = current_setting('prism.team', true));
CREATE POLICY team_wall ON property_definitions USING (team_id::text = current_setting('prism.team', true));
CREATE POLICY team_wall ON property_options     USING (team_id::text = current_setting('prism.team', true));
CREATE POLICY team_wall ON records              USING (team_id::text = current_setting('prism.team', true));
CREATE POLICY team_wall ON idempotency_requests USING (team_id::text = current_setting('prism.team', true));
CREATE POLICY team_wall ON idempotency_items    USING (team_id::text = current_setting('prism.team', true));
