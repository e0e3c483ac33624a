import type { ClientBase } from 'pg';

/**
 * The settings of every session. Behind transaction pooling, the role has them: `deploy/pgbouncer/role-settings.sql` sets the same
 * values, except those for TCP, which the pooler sets for its own connections.
 */
const SESSION_SETTINGS = {
  idle_in_transaction_session_timeout: 10_000,
  // End the work of a gateway that was killed, has vanished or has discarded the connection, so that it holds no locks: the
  // backend checks its connection at this interval, even while it waits for a lock.
  client_connection_check_interval: 200,
  tcp_keepalives_idle: 5,
  tcp_keepalives_interval: 2,
  tcp_keepalives_count: 3,
  tcp_user_timeout: 10_000,
  // The server reports a commit that was not confirmed by its standby as a warning.
  client_min_messages: 'warning',
} as const;

/**
 * The `options` of the startup message, which apply the settings without a round trip. Poolers reject them: so `own_session` tells
 * `use_shard` that no other program shares the session.
 */
export const STARTUP_OPTIONS = Object.entries({ ...SESSION_SETTINGS, 'prism.own_session': 'on' })
  .map(([name, value]) => `-c ${name}=${value}`)
  .join(' ');

const APPLY_SETTINGS = `SELECT ${Object.entries(SESSION_SETTINGS)
  .map(([name, value]) => `set_config('${name}', '${value}', false)`)
  .join(', ')}`;

/** Applies the settings to a session that was opened without them. */
export async function applySettings(client: ClientBase, timeoutMs: number): Promise<void> {
  const statement = { text: APPLY_SETTINGS, query_timeout: timeoutMs };
  await client.query(statement);
}

/** The values of a session that are checked, as Postgres writes them. */
export interface CheckedSettings {
  readonly client_min_messages: string;
  /** `0`: disabled. */
  readonly client_connection_check_interval: string;
  readonly idle_in_transaction_session_timeout: string;
}

/** The columns of {@link CheckedSettings}. */
export const CHECKED_COLUMNS = `
  current_setting('client_min_messages') AS client_min_messages,
  current_setting('client_connection_check_interval') AS client_connection_check_interval,
  current_setting('idle_in_transaction_session_timeout') AS idle_in_transaction_session_timeout`;

/** The levels at which Postgres sends warnings. */
const SENDS_WARNINGS = /^(debug\d?|log|notice|info|warning)$/;

/** Why a session cannot be used, with the setting to correct; undefined: it can. */
export function settingsError(settings: CheckedSettings): string | undefined {
  const { client_min_messages: level } = settings;
  if (!SENDS_WARNINGS.test(level)) {
    return (
      `client_min_messages is ${level}, so the server does not report a commit that was not confirmed by its standby: ` +
      'set it to warning or lower for the role of the program'
    );
  }
  for (const name of ['client_connection_check_interval', 'idle_in_transaction_session_timeout'] as const) {
    if (settings[name] !== '0') continue;
    return (
      `${name} is 0, so the work of a gateway that has vanished would keep its locks: ` +
      'give the role of the program the settings in deploy/pgbouncer/role-settings.sql'
    );
  }
  return undefined;
}
