-- Stops a keyed batch at a step in Postgres, where the test injects a failure.
CREATE TABLE armed_breakpoint (point text NOT NULL);

CREATE FUNCTION stop_at_breakpoint() RETURNS trigger
LANGUAGE plpgsql AS $$
DECLARE
  v_point CONSTANT text := CASE TG_ARGV[0]
    WHEN 'item' THEN to_jsonb(NEW) #>> '{properties,name}'
    WHEN 'item applied' THEN format('item %s applied', (
      SELECT n + 1 FROM generate_series(0, 5) AS n
       WHERE get_bit(decode(substr(to_jsonb(NEW) ->> 'settled', 3), 'hex'), n) = 1
         AND get_bit(decode(substr(to_jsonb(OLD) ->> 'settled', 3), 'hex'), n) = 0))
    ELSE TG_ARGV[0]
  END;
BEGIN
  IF EXISTS (SELECT FROM armed_breakpoint AS b WHERE b.point = v_point) THEN
    -- The test decides when the statement of a killed gateway ends. Postgres would end it at its next check of the connection.
    PERFORM set_config('client_connection_check_interval', '0', false);
    PERFORM pg_advisory_xact_lock_shared(0); -- the test holds it
  END IF;
  IF TG_WHEN = 'AFTER' AND EXISTS (SELECT FROM armed_breakpoint AS b WHERE b.point = 'flush committed') THEN
    -- After its flush, the commit of this transaction waits for a standby, which does not exist.
    PERFORM set_config('synchronous_commit', 'on', true);
  END IF;
  RETURN NEW;
END
$$;

CREATE TRIGGER stop BEFORE INSERT ON idempotency_requests
  FOR EACH ROW EXECUTE FUNCTION stop_at_breakpoint('request row');
CREATE TRIGGER stop_before BEFORE UPDATE ON idempotency_requests
  FOR EACH ROW EXECUTE FUNCTION stop_at_breakpoint('flush');
CREATE TRIGGER stop_after AFTER UPDATE ON idempotency_requests
  FOR EACH ROW EXECUTE FUNCTION stop_at_breakpoint('flush marked');
CREATE TRIGGER stop BEFORE UPDATE ON records
  FOR EACH ROW EXECUTE FUNCTION stop_at_breakpoint('item');
CREATE TRIGGER stop BEFORE UPDATE ON idempotency_progress
  FOR EACH ROW EXECUTE FUNCTION stop_at_breakpoint('item applied');
