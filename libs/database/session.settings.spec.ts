import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { settingsError, STARTUP_OPTIONS } from './session.settings';

const settings = {
  client_min_messages: 'warning',
  client_connection_check_interval: '200ms',
  idle_in_transaction_session_timeout: '10s',
};

describe('settingsError', () => {
  it.each(['debug1', 'notice', 'warning'])('accepts a session that sends warnings, with the level %s', (level) => {
    expect(settingsError({ ...settings, client_min_messages: level })).toBeUndefined();
  });

  it('names the setting of a session that does not send warnings', () => {
    expect(settingsError({ ...settings, client_min_messages: 'error' })).toContain('client_min_messages is error');
  });

  it.each(['client_connection_check_interval', 'idle_in_transaction_session_timeout'])(
    'rejects a session without %s',
    (name) => {
      expect(settingsError({ ...settings, [name]: '0' })).toContain(`${name} is 0`);
    },
  );
});

it.each(['prism_gateway', 'prism_worker'])('the shipped settings of the role %s have the same names', (role) => {
  const sql = readFileSync('deploy/pgbouncer/role-settings.sql', 'utf8');
  const names = [...sql.matchAll(new RegExp(`^ALTER ROLE ${role} SET (\\w+)`, 'gm'))].map(([, name]) => name);
  const sent = [...STARTUP_OPTIONS.matchAll(/-c (\w+)=/g)].map(([, name]) => name);
  expect(names).toEqual(['application_name', ...sent]);
});
