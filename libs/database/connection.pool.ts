import type { Duplex } from 'node:stream';
import { Pool, type PoolClient, type PoolConfig } from 'pg';
import type { Span } from '#libs/telemetry';
import { cancelRunning } from './cancel.request';
import type { Cancellation } from './cancellation';
import { DatabaseUnavailable, isConnectionFailure, isTransientError, sqlState, sqlStateOf } from './database.errors';
import { failConnectionOnParserError } from './listener.guard';
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
  /** When the connection was leased, by `performance.now()`. */
  leasedAt?: number;
  /** The caller has stopped waiting: a connection that arrives now goes back to the pool. */
  ended: boolean;
  /** Resolves with whether the cancel request was delivered; undefined: none was sent. */
  cancelDelivered?: Promise<boolean>;
}

export interface DatabaseOptions {
  url: string;
  poolSize: number;
  /** `statement_timeout` of every connection, and the default of {@link CheckoutOptions.timeoutMs}. */
  statementTimeoutMs: number;
}

/** Connections that exist, the idle ones of these, and callers that wait for one. */
export interface PoolUse {
  total: number;
  idle: number;
  waiting: number;
}

const connectTimeoutMs = 5_000;

/**
 * A pool of connections to Postgres.
 *
 * @throws DatabaseUnavailable from every method when Postgres cannot be reached, closes the connection or exceeds a timeout
 */
export abstract class ConnectionPool {
  /** What the pool is for. The subclasses are distinct types, so the compiler rejects one in place of the other. */
  abstract readonly plane: 'data' | 'control';

  private readonly pool: Pool;

  constructor(
    private readonly options: DatabaseOptions,
    private readonly onError: (kind: 'connection' | 'timeout' | 'call') => void = () => undefined,
  ) {
    this.pool = new Pool(poolConfig(options));
    // The pool replaces an idle connection that breaks. Without a listener the error would end the process.
    this.pool.on('error', () => {
      this.onError('connection');
    });
    // The same for a leased connection: its statement fails too, and that failure is handled.
    this.pool.on('connect', (client) => {
      client.on('error', () => undefined);
      // pg's own class: its type does not declare the connection.
      const { stream } = (client as unknown as { connection: { stream: Duplex } }).connection;
      failConnectionOnParserError(stream, (cause) => new DatabaseUnavailable('connection', { cause }));
    });
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
    const timeoutMs = Math.max(0, options.timeoutMs ?? this.options.statementTimeoutMs);
    const { cancellation, meter, span } = options;
    const startedAt = performance.now();
    let timer: NodeJS.Timeout | undefined;
    const checkout: Checkout = { ended: false };
    const timeoutOrCancel = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        reject(new DatabaseUnavailable('timeout'));
      }, timeoutMs);
      cancellation?.listen(() => {
        if (checkout.client) checkout.cancelDelivered = cancelRunning(checkout.client);
        else reject(new DatabaseUnavailable('canceled'));
      });
    });
    try {
      if (cancellation?.requested === true) throw new DatabaseUnavailable('canceled');
      const work = this.connect(checkout).then((client) => use(clientOf(client, span)));
      const result = await Promise.race([work, timeoutOrCancel]);
      // A cancel request that is still on its way would cancel the next caller's statement: then the connection is closed.
      const reusable = checkout.cancelDelivered === undefined || (await checkout.cancelDelivered);
      checkout.client?.release(!reusable);
      return result;
    } catch (error) {
      checkout.ended = true;
      checkout.client?.release(true);
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
    return { total: this.pool.totalCount, idle: this.pool.idleCount, waiting: this.pool.waitingCount };
  }

  /** Waits for the statements in flight and closes every connection. */
  async close(): Promise<void> {
    if (!this.pool.ended) await this.pool.end();
  }

  private async connect(checkout: Checkout): Promise<PoolClient> {
    const client = await this.pool.connect();
    if (checkout.ended) {
      client.release();
      throw new DatabaseUnavailable('timeout');
    }
    checkout.client = client;
    checkout.leasedAt = performance.now();
    return client;
  }

  private explain(error: unknown, { cancelDelivered }: Checkout): unknown {
    if (cancelDelivered && sqlStateOf(error) === sqlState.queryCanceled) return new DatabaseUnavailable('canceled');
    if (error instanceof DatabaseUnavailable) {
      if (error.kind !== 'canceled') this.onError(error.kind); // a cancel is not an error of the database
      return error;
    }
    if (isConnectionFailure(error) || isPoolTimeout(error)) return this.unavailable('connection', error);
    if (isTransientError(error)) return this.unavailable('timeout', error);
    this.onError('call');
    return error;
  }

  private unavailable(kind: 'connection' | 'timeout', cause: unknown): DatabaseUnavailable {
    this.onError(kind);
    return new DatabaseUnavailable(kind, { cause });
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

function clientOf(client: PoolClient, span: Span | undefined): DatabaseClient {
  const run = <R extends object>(statement: string | Statement, values: readonly unknown[] = []): Promise<Rows<R>> =>
    client.query<R & Record<string, unknown>>(
      typeof statement === 'string' ? { text: statement, values: [...values] } : { ...statement, values: [...values] },
    );
  if (span === undefined) return { query: run };
  return {
    query: <R extends object>(statement: string | Statement, values?: readonly unknown[]) =>
      traced(span, client, statement, () => run<R>(statement, values)),
  };
}

function poolConfig(options: DatabaseOptions): PoolConfig {
  return {
    connectionString: options.url,
    max: options.poolSize,
    connectionTimeoutMillis: connectTimeoutMs,
    idleTimeoutMillis: 30_000,
    keepAlive: true,
    application_name: 'prism-gateway',
    // Ends the work of a gateway that was killed or has closed the connection, so that it holds no locks: the backend checks
    // its connection at this interval, also while it waits for a lock.
    options: [
      `-c statement_timeout=${options.statementTimeoutMs}`,
      '-c idle_in_transaction_session_timeout=10000',
      '-c client_connection_check_interval=200',
    ].join(' '),
  };
}
