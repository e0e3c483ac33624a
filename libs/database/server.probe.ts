import { Client, type ClientConfig } from 'pg';
import { connectedClient } from './connected.client';
import { identityOf, SERVER_COLUMNS, type ServerIdentity, type ServerRow } from './server.identity';

/** The server at the database's address, and the backends that run a statement or hold a transaction for the role of this program. */
export interface ServerState {
  readonly url: string;
  readonly server: ServerIdentity;
  /** Whether commits wait for a standby. */
  readonly waitsForStandby: boolean;
  /** By process id: whether the backend's commit waits for a standby. */
  readonly backends: ReadonlyMap<number, boolean>;
}

interface ProbeRow extends ServerRow {
  backends: Record<string, boolean> | null;
}

/** A server that does not respond in this time is asked again later. */
const TIMEOUT_MS = 2_000;

/** Leaves out idle backends, and its own one: a pooler keeps the backend of a closed connection, and may give it to this one. */
const READ_STATE = `
  SELECT ${SERVER_COLUMNS},
         (SELECT json_object_agg(pid, wait_event IS NOT DISTINCT FROM 'SyncRep')
            FROM pg_stat_activity
           WHERE usename = current_user AND state <> 'idle' AND pid <> pg_backend_pid()) AS backends`;

/**
 * Reads the state of a server over a new connection, because an existing one may be to a host that is gone. Concurrent calls share a
 * connection, so that a pool has at most one more than its size.
 */
export class ServerProbe {
  private running: Promise<unknown> = Promise.resolve();
  private next: Promise<ServerState> | undefined;

  /**
   * @param config returns the configuration of a connection to the server
   * @param onFailure receives the URL of a server that could not be read
   */
  constructor(
    private readonly config: () => ClientConfig,
    private readonly onFailure: (url: string) => void,
  ) {}

  /**
   * The state at a moment after the call.
   *
   * @throws what `pg` throws if the server cannot be reached
   */
  read(): Promise<ServerState> {
    this.next ??= this.running.then(() => {
      this.next = undefined;
      const state = this.readNow();
      this.running = state.catch(() => undefined); // the callers get the error
      return state;
    });
    return this.next;
  }

  private async readNow(): Promise<ServerState> {
    const config = this.config();
    try {
      return await readState(config);
    } catch (error) {
      this.onFailure(config.connectionString ?? '');
      throw error;
    }
  }
}

async function readState(config: ClientConfig): Promise<ServerState> {
  const client = new Client({ ...config, connectionTimeoutMillis: TIMEOUT_MS, query_timeout: TIMEOUT_MS });
  client.on('error', () => undefined); // the statement fails too
  try {
    await client.connect();
    const { rows } = await client.query<ProbeRow>(READ_STATE);
    const [row] = rows;
    if (row === undefined) throw new Error('the server returned no row');
    const backends = Object.entries(row.backends ?? {}).map(([pid, waits]) => [Number(pid), waits] as const);
    return {
      url: config.connectionString ?? '',
      server: identityOf(row),
      waitsForStandby: row.waits_for_standby,
      backends: new Map(backends),
    };
  } finally {
    // The host may vanish before it closes the connection.
    const timer = setTimeout(() => {
      connectedClient(client).connection.stream.destroy();
    }, TIMEOUT_MS);
    await client.end();
    clearTimeout(timer);
  }
}
