import type { Duplex } from 'node:stream';
import type { ClientBase } from 'pg';
import { DatabaseUnavailable, UnusableServer } from './database.errors';
import { failConnectionOnParserError } from './listener.guard';
import type { ServerIdentity } from './server.identity';

/** Properties of pg's client that its type does not declare. */
interface ConnectedClient {
  /** Of the server process. */
  readonly processID: number;
  readonly connection: {
    readonly stream: Duplex;
    on(event: 'parameterStatus', listener: (message: { parameterName: string; parameterValue: string }) => void): void;
  };
}

interface SessionRow {
  standby: boolean;
  read_only: boolean;
  client_min_messages: string;
  synchronous: boolean;
  /** Null on a standby. */
  timeline: number | null;
  started_at: number;
}

/** The first eight digits of a WAL file's name are the timeline. */
export const SERVER_COLUMNS = `
  CASE WHEN NOT pg_is_in_recovery()
       THEN ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::integer END AS timeline,
  date_part('epoch', pg_postmaster_start_time()) AS started_at,
  current_setting('synchronous_standby_names') <> ''
    AND current_setting('synchronous_commit') NOT IN ('off', 'local') AS synchronous`;

const READ_SESSION = `
  SELECT pg_is_in_recovery() AS standby, current_setting('default_transaction_read_only') = 'on' AS read_only,
         current_setting('client_min_messages') AS client_min_messages, ${SERVER_COLUMNS}`;

/** The levels at which Postgres sends warnings. */
const SENDS_WARNINGS = /^(debug\d?|log|notice|info|warning)$/;

/** The function of Postgres that warns that a commit's wait for a standby was interrupted. */
const STANDBY_WAIT = 'SyncRepWaitForLSN';

/** A connection to a server that accepts writes, and its state. */
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
    readonly synchronous: boolean,
  ) {}

  /**
   * Checks a new connection.
   *
   * @throws UnusableServer if the server is read-only, or does not send warnings
   */
  static async open(pooled: ClientBase): Promise<Session> {
    const client = pooled as unknown as ConnectedClient; // pg's own class, see above
    const { connection } = client;
    // Its statement fails too, and that failure is handled. Without a listener the error would end the process.
    pooled.on('error', () => undefined);
    failConnectionOnParserError(connection.stream, (cause) => new DatabaseUnavailable('connection', { cause }));

    const { rows } = await pooled.query<SessionRow>(READ_SESSION);
    const [row] = rows;
    if (row === undefined) throw new UnusableServer('the server returned no row');
    const { standby, read_only: readOnly, client_min_messages: level, synchronous, timeline } = row;
    if (standby || timeline === null) throw new UnusableServer(STANDBY);
    if (readOnly) throw new UnusableServer(READ_ONLY);
    if (!SENDS_WARNINGS.test(level)) throw new UnusableServer(noWarnings(level));

    const session = new Session(client, { timeline, startedAt: row.started_at }, synchronous);
    connection.on('parameterStatus', ({ parameterName, parameterValue }) => {
      const changed = parameterName === 'in_hot_standby' || parameterName === 'default_transaction_read_only';
      if (changed) session.unusable = parameterValue === 'on';
    });
    pooled.on('notice', ({ routine }) => {
      if (routine === STANDBY_WAIT) session.wasUnconfirmed = true;
    });
    return session;
  }

  get backendId(): number {
    return this.client.processID;
  }

  /** Whether it can be leased: the server has not reported that it is read-only now. */
  get usable(): boolean {
    return !this.unusable && !this.discarded;
  }

  /** Whether a commit of the present lease may be missing on the standby: its wait for the standby was interrupted. */
  get unconfirmed(): boolean {
    return this.wasUnconfirmed;
  }

  /**
   * Tells the server that nobody waits any more, and keeps listening, to learn when the backend has ended. It ends within
   * `client_connection_check_interval`, unless it waits for a standby: such a wait is not interrupted.
   */
  discard(): void {
    this.discarded = true;
    this.client.connection.stream.end();
  }

  /** Closes the connection without waiting for the server. A statement on it fails. */
  destroy(): void {
    this.client.connection.stream.destroy();
  }
}

const STANDBY =
  'the server is a standby, which accepts no writes: let DATABASE_URL lead to the primary, or list all servers in it';
const READ_ONLY =
  'the server is read-only (default_transaction_read_only is on): let DATABASE_URL lead to a writable server, or list all servers in it';

function noWarnings(level: string): string {
  return (
    `client_min_messages is ${level}, so the server does not report a commit that was not confirmed by its standby: ` +
    'set it to warning or lower for the role of the program'
  );
}
