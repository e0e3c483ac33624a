import type { ClientBase, ClientConfig, PoolClient } from 'pg';
import type { DatabaseFailure } from './database.errors';
import { hasReplaced, isNewer, isSame, isStandby, type PrimaryServer, type ServerIdentity } from './server.identity';
import type { ServerList } from './server.list';
import { ServerProbe, type ServerState } from './server.probe';
import { Session, type SessionOptions } from './session';

/** How often the watch looks for connections whose server may be gone. */
const INTERVAL_MS = 1_000;
/** The pause between two checks whether a backend has ended. */
const BACKEND_CHECK_MS = 500;
/** If a connection is leased for longer, the watch checks whether another server has replaced that of the connection. */
const SLOW_MS = 2_000;

export interface ServerWatchOptions extends SessionOptions {
  /** The configuration of a connection to the server that is currently used. */
  config: () => ClientConfig;
  servers: ServerList;
  /** Shared by the pools of a process. */
  primary: PrimaryServer;
  onError: (kind: DatabaseFailure) => void;
}

/**
 * The sessions of a pool, and whether their server and their backends still exist. Closes the connections to a server that was
 * replaced, and finds out when the backend of a discarded connection has ended.
 */
export class ServerWatch {
  private readonly sessions = new Map<ClientBase, Session>();
  private readonly probe: ServerProbe;
  private readonly timer: NodeJS.Timeout;
  private stopped = false;
  /** Whether the server of the newest connection is a node of a cluster; undefined before the first connection. */
  isCluster: boolean | undefined;

  constructor(private readonly options: ServerWatchOptions) {
    this.probe = new ServerProbe(options.config, (url) => {
      options.servers.reportFailure(url);
    });
    options.primary.onReplaced((server) => {
      this.destroy((session) => isNewer(server, session.server));
    });
    this.timer = setInterval(() => {
      this.checkSuspects();
    }, INTERVAL_MS).unref();
  }

  /** Checks a new connection. @throws UnusableServer */
  async add(client: ClientBase): Promise<void> {
    const session = await Session.open(client, this.options);
    this.sessions.set(client, session);
    this.isCluster = session.isCluster;
    this.observe(session);
  }

  remove(client: ClientBase): void {
    this.sessions.delete(client);
  }

  /** Undefined if the connection cannot be used. */
  usableSessionOf(client: PoolClient): Session | undefined {
    const session = this.sessions.get(client);
    return session?.usable === true ? session : undefined;
  }

  /** The number of connections that are kept, unused, until their backend has ended. */
  get discardedCount(): number {
    return [...this.sessions.values()].filter(({ discarded }) => discarded).length;
  }

  /** Closes the connections that match. */
  destroy(matches: (session: Session) => boolean): void {
    for (const session of this.sessions.values()) if (matches(session)) session.destroy();
  }

  /** Whether the server accepts a new connection, and is not a standby. */
  async acceptsWrites(): Promise<boolean> {
    return this.readServer().then(
      ({ server }) => !isStandby(server),
      () => false,
    );
  }

  /** Whether a commit on the connection may be waiting for a standby. */
  async mayWaitForStandby({ server, backendId, waitsForStandby }: Session): Promise<boolean> {
    if (!waitsForStandby && this.options.primary.waitsForStandby !== true) return false;
    if (backendId === undefined) return true;
    const state = await this.readServer().catch(() => undefined);
    return state === undefined || !isSame(server, state.server) || state.backends.get(backendId) !== false;
  }

  /**
   * Calls back when the backend of a connection has ended. The end of the connection does not prove it: the backend may still wait for
   * a standby, or run on a server that cannot be reached.
   */
  whenEnded(session: Session, done: () => void): void {
    const { server, backendId } = session;
    // Without a backend of its own, the end of the connection is all that can be known.
    if (this.stopped || backendId === undefined) {
      done();
      return;
    }
    const checkAgain = (): void => {
      setTimeout(() => {
        this.whenEnded(session, done);
      }, BACKEND_CHECK_MS);
    };
    this.readServer().then(
      (state) => {
        if (this.hasEnded(server, backendId, state)) done();
        else checkAgain();
      },
      checkAgain, // its backends may still run
    );
  }

  /** Also closes discarded connections: a backend that waits for a standby would keep the process alive while the standby is unavailable. */
  stop(): void {
    this.stopped = true;
    clearInterval(this.timer);
    this.destroy(({ discarded }) => discarded);
  }

  private checkSuspects(): void {
    const now = performance.now();
    const suspects = [...this.sessions.values()].filter(
      ({ discarded, leasedAt }) => discarded || (leasedAt !== undefined && now - leasedAt > SLOW_MS),
    );
    if (suspects.length === 0) return;
    this.readServer().then(
      (state) => {
        destroyEnded(suspects, state);
      },
      () => {
        this.options.onError('connection');
      },
    );
  }

  /** Reads which server the address points to now. If it was replaced, the connections to the older one are closed. */
  private async readServer(): Promise<ServerState> {
    const state = await this.probe.read();
    const { access, servers } = this.options;
    if (access === 'read-write' && isStandby(state.server)) servers.reportFailure(state.url);
    this.observe(state);
    return state;
  }

  private observe({ server, waitsForStandby }: Pick<ServerState, 'server' | 'waitsForStandby'>): void {
    const { access, primary } = this.options;
    if (access === 'read-write' && !isStandby(server)) primary.observe(server, waitsForStandby);
  }

  private hasEnded(server: ServerIdentity, backendId: number, state: ServerState): boolean {
    if (isSame(server, state.server)) return !state.backends.has(backendId);
    return this.options.access === 'any' || hasReplaced(state.server, server);
  }
}

/** Closes connections whose callers stopped waiting and whose backends have ended. */
function destroyEnded(sessions: readonly Session[], { server, backends }: ServerState): void {
  for (const session of sessions) {
    const { discarded, backendId } = session;
    if (!discarded || backendId === undefined) continue;
    if (isSame(session.server, server) && !backends.has(backendId)) session.destroy();
  }
}
