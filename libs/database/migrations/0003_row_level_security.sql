-- Row-level security, in addition to the team_id in every statement: without `prism.team` set, it hides every row, even if a
-- query omits team_id.
--
-- The policies have no effect until `ALTER TABLE ... ENABLE ROW LEVEL SECURITY` (libs/database/row-level-security.ts),
-- because they cost 7 to 8% more database CPU per item (docs/security.md). They apply to every role except the owner of the
-- tables, which runs migrations, retention and the administration of keys.
--
-- A statement sets prism.team for its transaction. apply_batch, which consists of many transactions, sets it for the session
-- and clears it at the end. The policies compare text: a cast to uuid for each row costs twice as much, and an empty or
-- malformed setting then matches no row instead of raising an error.
CREATE POLICY team_isolation ON teams                USING (id::text = current_setting('prism.team', true));
CREATE POLICY team_isolation ON clients              USING (team_id::text = current_setting('prism.team', true));
CREATE POLICY team_isolation ON client_limits        USING (team_id::text = current_setting('prism.team', true));
CREATE POLICY team_isolation ON api_keys             USING (team_id::text = current_setting('prism.team', true));
CREATE POLICY team_isolation ON property_definitions USING (team_id::text = current_setting('prism.team', true));
CREATE POLICY team_isolation ON property_options     USING (team_id::text = current_setting('prism.team', true));
CREATE POLICY team_isolation ON records              USING (team_id::text = current_setting('prism.team', true));
CREATE POLICY team_isolation ON idempotency_requests USING (team_id::text = current_setting('prism.team', true));
CREATE POLICY team_isolation ON idempotency_progress USING (team_id::text = current_setting('prism.team', true));
CREATE POLICY team_isolation ON idempotency_outcomes USING (team_id::text = current_setting('prism.team', true));
