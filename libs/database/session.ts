import type { ClientBase } from 'pg';
import { failConnectionOnParserError } from '#libs/errors';
import { type ConnectedClient, connectedClient } from './connected.client';
import { DatabaseUnavailable, SQL_STATES, sqlStateOf, UnusableServer } from './database.errors';
import type { PoolerOptions } from './pooler';
import { identityOf, SERVER_COLUMNS, type ServerAccess, type ServerIdentity, type ServerRow } from './server.identity';
import { applySettings, CHECKED_COLUMNS, type CheckedSettings, settingsError } from './session.settings';

/** How a new connection is checked. */
export interface SessionOptions extends PoolerOptions {
  /** With `any`, the address may route to several servers, none of which replaces another. */
  access: ServerAccess;
  /** The timeout of each statement of the check: that of the connect does not cover them. In milliseconds. */
  checkTimeoutMs: number;
}

interface SessionRow extends CheckedSettings, ServerRow {
  standby: boolean;
  cluster: boolean;
  read_only: boolean;
  backend: number;
  /** Whether the server knows this statement by the name that the program gave it. */
  is_named: boolean;
}

const STATEMENT_NAME = 'read_session';

const READ_SESSION = `
  SELECT pg_is_in_recovery() AS standby, current_setting('default_transaction_read_only') = 'on' AS read_only,
         to_regclass('pg_catalog.pg_dist_partition') IS NOT NULL AS cluster,
         pg_backend_pid() AS backend, EXISTS (SELECT FROM pg_prepared_statements WHERE name = '${STATEMENT_NAME}') AS is_named,
         ${CHECKED_COLUMNS}, ${SERVER_COLUMNS}`;

/** The function of Postgres that warns that a commit's wait for a standby was interrupted. */
const STANDBY_WAIT = 'SyncRepWaitForLSN';

/** A connection to a server, and its state. */
export class Session {
  /** When it was leased, by `performance.now()`; undefined: it is idle. */
  leasedAt: number | undefined;
  /** Its caller has stopped waiting. It is not used again, and remains in the pool until its backend has ended. */
  discarded = false;

  private unusable = false;
  private wasUnconfirmed = false;

  private constructor(
    private readonly client: ConnectedClient,
    readonly server: ServerIdentity,
    /** Whether commits wait for a standby, as of its start. */
    readonly waitsForStandby: boolean,
    /** The process id of its backend; undefined: transaction pooling, so that it has no backend of its own. */
    readonly backendId: number | undefined,
    /** Whether the server is a node of a cluster. */
    readonly isCluster: boolean,
  ) {}

  /**
   * Checks a new connection.
   *
   * @throws UnusableServer if the server is read-only and `access` is not `any`, lacks the settings of a session, or is behind
   * a pooler that `pooler` does not name
   */
  static async open(
    pooled: ClientBase,
    { pooler, preparedStatements, access, checkTimeoutMs }: SessionOptions,
  ): Promise<Session> {
    const client = connectedClient(pooled);
    const { connection } = client;
    // The running statement fails too, and its caller handles that. Without a listener the error would end the process.
    pooled.on('error', () => undefined);
    failConnectionOnParserError(connection.stream, (cause) => new DatabaseUnavailable('connection', { cause }));

    if (pooler === 'session') await applySettings(pooled, checkTimeoutMs);
    const isPrepared = pooler === 'transaction' && preparedStatements;
    const row = await readSession(pooled, isPrepared, checkTimeoutMs);
    const { standby, read_only: readOnly, waits_for_standby: waitsForStandby, backend } = row;
    if (pooler === 'none' && backend !== client.processID) throw new UnusableServer(UNKNOWN_POOLER);
    if (isPrepared && row.is_named) throw new UnusableServer(NOT_PREPARED);
    if (access === 'read-write') {
      if (standby) throw new UnusableServer(STANDBY);
      if (readOnly) throw new UnusableServer(READ_ONLY);
    }
    const error = settingsError(row);
    if (error !== undefined) throw new UnusableServer(error);

    const backendId = pooler === 'transaction' ? undefined : backend;
    const session = new Session(client, identityOf(row), waitsForStandby, backendId, row.cluster);
    connection.on('parameterStatus', ({ parameterName, parameterValue }) => {
      if (access === 'any') return;
      const changed = parameterName === 'in_hot_standby' || parameterName === 'default_transaction_read_only';
      if (changed) session.unusable = parameterValue === 'on';
    });
    pooled.on('notice', ({ routine }) => {
      if (routine === STANDBY_WAIT) session.wasUnconfirmed = true;
    });
    return session;
  }

  /** Whether it can be leased: it is neither discarded nor closed, and the server has not become read-only. */
  get usable(): boolean {
    return !this.unusable && !this.discarded;
  }

  /** Whether a commit of the current lease may be missing on the standby: its wait for the standby was interrupted. */
  get unconfirmed(): boolean {
    return this.wasUnconfirmed;
  }

  /**
   * Tells the server that no caller waits any more, and keeps listening, to learn when the backend has ended. It ends within
   * `client_connection_check_interval`, unless it waits for a standby: such a wait is not interrupted.
   *
   * Transaction pooling hides the end of such a wait, so there the connection stays open until the response comes. Without such a
   * wait it is closed at once: a pooler whose host has vanished would never close its side.
   *
   * @param options.isReadOnly there is no such wait
   */
  discard({ isReadOnly }: { isReadOnly: boolean }): void {
    this.discarded = true;
    if (this.backendId !== undefined) this.client.connection.stream.end();
    else if (isReadOnly || !this.waitsForStandby) this.destroy();
  }

  /** Closes the connection without waiting for the server. A statement on it fails. */
  destroy(): void {
    this.unusable = true;
    this.client.connection.stream.destroy();
  }
}

const STANDBY =
  'the server is a standby, which accepts no writes: point DATABASE_URL at the primary, or list all servers in it';
const READ_ONLY =
  'the server is read-only (default_transaction_read_only is on): point DATABASE_URL at a writable server, or list all servers in it';

const UNKNOWN_POOLER =
  'a pooler is between the program and the server: set DATABASE_POOLER to its mode, session or transaction';
const NOT_PREPARED =
  'the pooler does not manage prepared statements: set max_prepared_statements of PgBouncer 1.21 or newer, ' +
  'or DATABASE_PREPARED_STATEMENTS=off';

/** Reads the session, as a prepared statement if the pooler is to manage these: it then prepares it under another name. */
async function readSession(client: ClientBase, isPrepared: boolean, timeoutMs: number): Promise<SessionRow> {
  try {
    const statement = { ...(isPrepared && { name: STATEMENT_NAME }), text: READ_SESSION, query_timeout: timeoutMs };
    const { rows } = await client.query<SessionRow>(statement);
    if (rows[0] !== undefined) return rows[0];
  } catch (error) {
    // An earlier connection has prepared it on the same backend.
    if (sqlStateOf(error) === SQL_STATES.duplicatePreparedStatement) throw new UnusableServer(NOT_PREPARED);
    throw error;
  }
  throw new UnusableServer('the server returned no row');
}
