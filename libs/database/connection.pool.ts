import { Client, type ClientBase, type ClientConfig, Pool, type PoolClient, type PoolConfig } from 'pg';
import { postgresServers } from '#libs/config';
import type { Span } from '#libs/telemetry';
import { cancelRunning } from './cancel.request';
import type { Cancellation } from './cancellation';
import {
  type DatabaseFailure,
  DatabaseUnavailable,
  isConnectionFailure,
  isTransientError,
  sqlState,
  sqlStateOf,
} from './database.errors';
import type { PoolerOptions } from './pooler';
import { isNewer, isSame, PrimaryServer, type ServerIdentity } from './server.identity';
import { ServerList } from './server.list';
import { ServerProbe, type ServerState } from './server.probe';
import { Session } from './session';
import { STARTUP_OPTIONS } from './session.settings';
import type { Statement } from './statement';
import { traced } from './statement.span';

export interface Rows<R> {
  rows: R[];
  rowCount: number | null;
}

/** A pooled connection, usable until the function that received it returns. */
export interface DatabaseClient {
  query<R extends object = Record<string, unknown>>(
    statement: string | Statement,
    values?: readonly unknown[],
  ): Promise<Rows<R>>;
}

export interface CheckoutOptions {
  /** Limit for the whole call, including the wait for a connection. Then: {@link DatabaseUnavailable} of the kind `timeout`. */
  timeoutMs?: number;
  /**
   * When requested, a wait for a connection ends, and the running statement is canceled. A call that gets no result then
   * throws {@link DatabaseUnavailable} of the kind `canceled`.
   */
  cancellation?: Cancellation | undefined;
  /** The statements change nothing, so that no commit of theirs waits for a standby: they can be canceled at any time. */
  isReadOnly?: boolean;
  meter?: DatabaseMeter | undefined;
  /** Parent of one span per statement; undefined: no spans. */
  span?: Span | undefined;
}

/** Accumulates the time that database calls take, in milliseconds. */
export interface DatabaseMeter {
  /** Waiting for a connection. */
  waitMs: number;
  /** Holding a connection. */
  databaseMs: number;
}

/** A pooled connection leased to one caller, or a caller's wait for one. */
interface Checkout {
  client?: PoolClient;
  session?: Session;
  /** When the connection was leased, by `performance.now()`. */
  leasedAt?: number;
  /** The caller has stopped waiting: a connection that arrives now goes back to the pool, and no further statement is sent. */
  ended: boolean;
  /** Resolves with whether the connection can be used again; undefined: no cancel request was made. */
  canceled?: Promise<boolean>;
}

export interface DatabaseOptions extends PoolerOptions {
  url: string;
  poolSize: number;
  /** The default of {@link CheckoutOptions.timeoutMs}. */
  timeoutMs: number;
  /** A connection that is older is closed when it is idle, so that each leads to where the address leads now. */
  maxLifetimeSeconds: number;
  /** Shared by the pools of a process. */
  primary?: PrimaryServer;
}

/** Connections that exist, the idle ones of these, those that only wait for the end of their backend, and waiting callers. */
export interface PoolUse {
  total: number;
  idle: number;
  discarded: number;
  waiting: number;
}

const CONNECT_TIMEOUT_MS = 5_000;
/** The same where the URL has other servers to try. */
const CONNECT_TIMEOUT_OF_SEVERAL_MS = 2_000;

/** The interval at which a pool looks for connections whose server may be gone. */
const WATCH_INTERVAL_MS = 1_000;
/** Pause between two looks at a backend that is to end. */
const BACKEND_CHECK_MS = 500;
/** A statement that takes longer makes the pool ask whether another server has replaced that of the connection. */
const SLOW_MS = 2_000;

/**
 * A pool of connections to the writable server of a database.
 *
 * A connection whose caller stopped waiting keeps its place until its backend has ended, so that there are never more backends
 * than places, also while commits wait for a standby.
 *
 * @throws DatabaseUnavailable from every method when Postgres cannot be reached, closes the connection or exceeds a timeout
 */
export abstract class ConnectionPool {
  /** What the pool is for. The subclasses are distinct types, so the compiler rejects one in place of the other. */
  abstract readonly plane: 'data' | 'control';

  private readonly pool: Pool;
  private readonly sessions = new Map<ClientBase, Session>();
  private readonly primary: PrimaryServer;
  private readonly servers: ServerList;
  private readonly probe: ServerProbe;
  private readonly watcher: NodeJS.Timeout;
  private closed = false;

  constructor(
    private readonly options: DatabaseOptions,
    private readonly onError: (kind: DatabaseFailure | 'call') => void = () => undefined,
  ) {
    const servers = new ServerList(postgresServers(options.url) ?? [options.url]);
    const config = poolConfig(options, servers.size);
    this.servers = servers;
    this.probe = new ServerProbe(() => ({ ...config, connectionString: servers.current }));
    this.primary = options.primary ?? new PrimaryServer();
    this.primary.onReplaced((server) => {
      this.closeOlderThan(server);
    });
    this.pool = new Pool({
      ...config,
      Client: class extends Client {
        constructor(own?: ClientConfig) {
          super({ ...own, connectionString: servers.current });
        }
      },
      // eslint-disable-next-line @typescript-eslint/no-misused-promises -- the pool waits for it, which its type does not say
      onConnect: (client) => this.checkNew(client),
    });
    // The pool replaces an idle connection that breaks. Without a listener the error would end the process.
    this.pool.on('error', () => {
      this.onError('connection');
    });
    this.pool.on('remove', (client) => this.sessions.delete(client));
    this.watcher = setInterval(() => {
      this.watch();
    }, WATCH_INTERVAL_MS).unref();
  }

  async query<R extends object = Record<string, unknown>>(
    statement: string | Statement,
    values: readonly unknown[] = [],
    options: CheckoutOptions = {},
  ): Promise<Rows<R>> {
    return this.withClient((client) => client.query<R>(statement, values), options);
  }

  /**
   * Leases a connection to a function. If the function throws, the connection is closed, because its state is unknown.
   */
  async withClient<T>(use: (client: DatabaseClient) => Promise<T>, options: CheckoutOptions = {}): Promise<T> {
    const timeoutMs = Math.max(0, options.timeoutMs ?? this.options.timeoutMs);
    const { cancellation, meter, span, isReadOnly = false } = options;
    const startedAt = performance.now();
    let timer: NodeJS.Timeout | undefined;
    const checkout: Checkout = { ended: false };
    const timeoutOrCancel = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        reject(new DatabaseUnavailable('timeout'));
      }, timeoutMs);
      cancellation?.listen(() => {
        const { client, session } = checkout;
        if (client && session) checkout.canceled = isReadOnly ? cancelRunning(client) : this.cancel(client, session);
        else reject(new DatabaseUnavailable('canceled'));
      });
    });
    let work: Promise<T> | undefined;
    try {
      if (cancellation?.requested === true) throw new DatabaseUnavailable('canceled');
      work = this.connect(checkout).then(async (client) => {
        const result = await use(clientOf(client, checkout, span, this.options.preparedStatements));
        if (checkout.session?.unconfirmed === true) throw new DatabaseUnavailable('unconfirmed');
        return result;
      });
      const result = await Promise.race([work, timeoutOrCancel]);
      // A cancel request that is still on its way would cancel the next caller's statement: then the connection is closed.
      const reusable = checkout.canceled === undefined || (await checkout.canceled);
      this.release(checkout, reusable);
      return result;
    } catch (error) {
      checkout.ended = true;
      const isLost = isConnectionFailure(error);
      if (isLost) checkout.session?.discard({ isReadOnly });
      if (work) this.releaseAfter(checkout, work, isLost);
      throw this.explain(error, checkout);
    } finally {
      clearTimeout(timer);
      cancellation?.listen(undefined);
      if (meter) measure(meter, startedAt, checkout.leasedAt);
    }
  }

  /** Runs the function between BEGIN and COMMIT. If it throws, nothing is changed. */
  async transaction<T>(use: (client: DatabaseClient) => Promise<T>, options: CheckoutOptions = {}): Promise<T> {
    return this.withClient(async (client) => {
      await client.query('BEGIN');
      const result = await use(client);
      await client.query('COMMIT');
      return result;
    }, options);
  }

  /** The present use of the pool, for metrics. */
  use(): PoolUse {
    const discarded = [...this.sessions.values()].filter((session) => session.discarded).length;
    return { total: this.pool.totalCount, idle: this.pool.idleCount, discarded, waiting: this.pool.waitingCount };
  }

  /** Waits for the statements in flight and closes every connection. */
  async close(): Promise<void> {
    this.closed = true;
    clearInterval(this.watcher);
    // A backend that waits for a standby would hold the process for as long as the standby is away.
    for (const session of this.sessions.values()) if (session.discarded) session.destroy();
    if (!this.pool.ended) await this.pool.end();
  }

  /** Leases a connection. Tries every server of the URL before it fails. */
  private async connect(checkout: Checkout): Promise<PoolClient> {
    let failures = 0;
    for (;;) {
      const server = this.servers.current;
      let client: PoolClient;
      try {
        client = await this.pool.connect();
      } catch (error) {
        failures += 1;
        if (isPoolTimeout(error) || checkout.ended) throw new DatabaseUnavailable('connection', { cause: error });
        this.servers.reportFailure(server);
        if (failures < this.servers.size) continue;
        throw new DatabaseUnavailable('connection', { cause: error });
      }
      if (checkout.ended) {
        client.release();
        throw new DatabaseUnavailable('timeout');
      }
      const session = this.sessions.get(client);
      if (session?.usable !== true) {
        client.release(true); // the server has become read-only since
        continue;
      }
      session.leasedAt = performance.now();
      Object.assign(checkout, { client, session, leasedAt: session.leasedAt });
      return client;
    }
  }

  private async checkNew(client: ClientBase): Promise<void> {
    const session = await Session.open(client, this.options);
    this.sessions.set(client, session);
    this.primary.observe(session.server, session.synchronous);
  }

  private release({ client, session }: Checkout, reusable: boolean): void {
    if (session) session.leasedAt = undefined;
    client?.release(!reusable);
  }

  /**
   * Closes the connection of a call that failed.
   *
   * @param isLost the connection failed, or its caller stopped waiting: its place is free when its backend has ended
   */
  private releaseAfter(checkout: Checkout, work: Promise<unknown>, isLost: boolean): void {
    const { session } = checkout;
    const release = (): void => {
      // Without a backend of its own, the end of the connection is all that can be known.
      if (isLost && session?.backendId !== undefined) {
        this.releaseWhenEnded(checkout, session.server, session.backendId);
      } else this.release(checkout, false);
    };
    work.then(release, release);
  }

  /** A closed connection does not prove it: a proxy closes both of its sides, and a wait for a standby outlives them. */
  private releaseWhenEnded(checkout: Checkout, server: ServerIdentity, backendId: number): void {
    const release = (): void => {
      this.release(checkout, false);
    };
    if (this.closed) {
      release();
      return;
    }
    // A server that cannot be asked, or is a standby now, accepts no further backend either.
    this.readServer().then((state) => {
      const isRunning = state !== undefined && isSame(server, state.server) && state.backends.has(backendId);
      if (!isRunning) release();
      else
        setTimeout(() => {
          this.releaseWhenEnded(checkout, server, backendId);
        }, BACKEND_CHECK_MS);
    }, release);
  }

  /**
   * Cancels the statement of a connection, but not a commit that waits for a standby: that would end the wait.
   *
   * @returns whether the connection can be used again
   */
  private async cancel(client: PoolClient, session: Session): Promise<boolean> {
    if (session.synchronous) {
      // If it is not known what the backend does, the call goes on.
      if (session.backendId === undefined) return true;
      const state = await this.readServer().catch(() => undefined);
      if (state?.backends.get(session.backendId) !== false) return true;
    }
    return cancelRunning(client);
  }

  /** Closes connections whose server was replaced, and gives the places of backends that have ended free. */
  private watch(): void {
    const now = performance.now();
    const isSuspect = ({ discarded, leasedAt }: Session): boolean =>
      discarded || (leasedAt !== undefined && now - leasedAt > SLOW_MS);
    const suspects = [...this.sessions.values()].filter(isSuspect);
    if (suspects.length === 0) return;
    this.readServer().then(
      (state) => {
        if (state) destroyEnded(suspects, state);
      },
      () => {
        this.onError('connection');
      },
    );
  }

  /** Reads which server the address leads to now; if it was replaced, the connections to the older one are closed. */
  private async readServer(): Promise<ServerState | undefined> {
    const state = await this.probe.read();
    if (state) this.primary.observe(state.server, state.synchronous);
    return state;
  }

  private closeOlderThan(server: ServerIdentity): void {
    for (const session of this.sessions.values()) if (isNewer(server, session.server)) session.destroy();
  }

  private closeIdle(): void {
    for (const session of this.sessions.values()) if (session.leasedAt === undefined) session.destroy();
  }

  private explain(error: unknown, { canceled }: Checkout): unknown {
    const state = sqlStateOf(error);
    if (canceled && state === sqlState.queryCanceled) return new DatabaseUnavailable('canceled');
    if (error instanceof DatabaseUnavailable) {
      if (error.kind !== 'canceled') this.onError(error.kind); // a cancel is not an error of the database
      return error;
    }
    if (state === sqlState.readOnlyTransaction) this.closeIdle(); // they lead to the same server
    if (isConnectionFailure(error)) return this.unavailable('connection', error);
    if (isTransientError(error)) return this.unavailable('timeout', error);
    this.onError('call');
    return error;
  }

  private unavailable(kind: 'connection' | 'timeout', cause: unknown): DatabaseUnavailable {
    this.onError(kind);
    return new DatabaseUnavailable(kind, { cause });
  }
}

/** Closes connections that nobody waits for and whose backends have ended. */
function destroyEnded(sessions: readonly Session[], { server, backends }: ServerState): void {
  for (const session of sessions) {
    const { discarded, backendId } = session;
    if (!discarded || backendId === undefined) continue;
    if (isSame(session.server, server) && !backends.has(backendId)) session.destroy();
  }
}

function measure(meter: DatabaseMeter, startedAt: number, leasedAt: number | undefined): void {
  const now = performance.now();
  meter.waitMs += (leasedAt ?? now) - startedAt;
  if (leasedAt !== undefined) meter.databaseMs += now - leasedAt;
}

function isPoolTimeout(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith('timeout exceeded when trying to connect');
}

function clientOf(
  client: PoolClient,
  checkout: Checkout,
  span: Span | undefined,
  preparedStatements: boolean,
): DatabaseClient {
  const run = async <R extends object>(
    statement: string | Statement,
    values: readonly unknown[] = [],
  ): Promise<Rows<R>> => {
    if (checkout.ended) throw new DatabaseUnavailable('timeout');
    const { name, text } = typeof statement === 'string' ? { name: undefined, text: statement } : statement;
    const isPrepared = preparedStatements && name !== undefined;
    return client.query<R & Record<string, unknown>>({ ...(isPrepared && { name }), text, values: [...values] });
  };
  if (span === undefined) return { query: run };
  return {
    query: <R extends object>(statement: string | Statement, values?: readonly unknown[]) =>
      traced(span, client, statement, () => run<R>(statement, values)),
  };
}

function poolConfig(options: DatabaseOptions, servers: number): PoolConfig {
  return {
    max: options.poolSize,
    connectionTimeoutMillis: servers > 1 ? CONNECT_TIMEOUT_OF_SEVERAL_MS : CONNECT_TIMEOUT_MS,
    idleTimeoutMillis: 30_000,
    maxLifetimeSeconds: options.maxLifetimeSeconds,
    keepAlive: true,
    keepAliveInitialDelayMillis: 5_000,
    application_name: 'prism-gateway',
    ...(options.pooler === 'none' && { options: STARTUP_OPTIONS }),
  };
}
