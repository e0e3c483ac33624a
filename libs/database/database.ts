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

/** One connection, for as long as the function that it was lent to runs. */
export interface DatabaseClient {
  query<R extends object = Record<string, unknown>>(
    statement: string | Statement,
    values?: readonly unknown[],
  ): Promise<Rows<R>>;
}

export interface CheckoutOptions {
  /** How long the whole may take, waiting for a connection included. Past it: {@link DatabaseUnavailable}. */
  timeoutMs?: number;
  /**
   * Requested: no wait for a connection goes on, and what runs on the connection is canceled. A function that does not get
   * its own result then meets {@link DatabaseUnavailable} of the kind `canceled`.
   */
  cancellation?: Cancellation | undefined;
  meter?: DatabaseMeter | undefined;
  /** What each statement's own span is a part of; undefined: none are made. */
  span?: Span | undefined;
}

/** Adds up what calls of the database cost whoever makes them, in milliseconds. */
export interface DatabaseMeter {
  /** Waiting for a connection. */
  waitMs: number;
  /** Having one. */
  databaseMs: number;
}

/** A connection on its way to a function, or with it. */
interface Checkout {
  client?: PoolClient;
  /** Since when, on the clock of `performance.now()`. */
  since?: number;
  /** Nobody wants it any more. */
  over: boolean;
  /** Whether a request to cancel what runs on it has arrived; undefined if there was none. */
  canceled?: Promise<boolean>;
}

export interface DatabaseOptions {
  url: string;
  poolSize: number;
  /** What no statement may exceed, whatever its caller asked for. */
  statementTimeoutMs: number;
}

/** What the pool is doing: connections that exist, those of them that are idle, callers that wait for one. */
export interface PoolUse {
  total: number;
  idle: number;
  waiting: number;
}

const connectTimeoutMs = 5_000;

/**
 * The pool of connections. Statements run on any of them; {@link withClient} lends one.
 *
 * @throws DatabaseUnavailable from every method when Postgres cannot be reached, goes away or does not answer in time
 */
export class Database {
  private readonly pool: Pool;

  constructor(
    private readonly options: DatabaseOptions,
    private readonly onError: (kind: 'connection' | 'timeout' | 'call') => void = () => undefined,
  ) {
    this.pool = new Pool(poolConfig(options));
    // An idle connection that dies is replaced at the next use; without a listener it would end the process.
    this.pool.on('error', () => {
      this.onError('connection');
    });
    // So would one that dies while it is lent. Its statement fails as well, and that is what counts.
    this.pool.on('connect', (client) => {
      client.on('error', () => undefined);
      // pg's own class: its type has no connection.
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
   * Lends a connection. If the function fails, the connection is dropped: nobody knows what state it is in.
   */
  async withClient<T>(use: (client: DatabaseClient) => Promise<T>, options: CheckoutOptions = {}): Promise<T> {
    const timeoutMs = Math.max(0, options.timeoutMs ?? this.options.statementTimeoutMs);
    const { cancellation, meter, span } = options;
    const began = performance.now();
    let timer: NodeJS.Timeout | undefined;
    const checkout: Checkout = { over: false };
    const cutShort = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        reject(new DatabaseUnavailable('timeout'));
      }, timeoutMs);
      cancellation?.listen(() => {
        if (checkout.client) checkout.canceled = cancelRunning(checkout.client);
        else reject(new DatabaseUnavailable('canceled'));
      });
    });
    try {
      if (cancellation?.requested === true) throw new DatabaseUnavailable('canceled');
      const work = this.connect(checkout).then((client) => use(clientOf(client, span)));
      const result = await Promise.race([work, cutShort]);
      // What is canceled must not be the next statement of somebody else.
      const isClean = checkout.canceled === undefined || (await checkout.canceled);
      checkout.client?.release(!isClean);
      return result;
    } catch (error) {
      checkout.over = true;
      checkout.client?.release(true);
      throw this.explain(error, checkout);
    } finally {
      clearTimeout(timer);
      cancellation?.listen(undefined);
      if (meter) measure(meter, began, checkout.since);
    }
  }

  /** Runs the function between BEGIN and COMMIT; if it throws, nothing of it has happened. */
  async transaction<T>(use: (client: DatabaseClient) => Promise<T>, options: CheckoutOptions = {}): Promise<T> {
    return this.withClient(async (client) => {
      await client.query('BEGIN');
      const result = await use(client);
      await client.query('COMMIT');
      return result;
    }, options);
  }

  use(): PoolUse {
    return { total: this.pool.totalCount, idle: this.pool.idleCount, waiting: this.pool.waitingCount };
  }

  /** Waits for the statements in flight and closes every connection. */
  async close(): Promise<void> {
    if (!this.pool.ended) await this.pool.end();
  }

  private async connect(checkout: Checkout): Promise<PoolClient> {
    const client = await this.pool.connect();
    if (checkout.over) {
      // The caller's time ran out while waiting: the connection goes to the next one, unused.
      client.release();
      throw new DatabaseUnavailable('timeout');
    }
    checkout.client = client;
    checkout.since = performance.now();
    return client;
  }

  private explain(error: unknown, { canceled }: Checkout): unknown {
    if (canceled && sqlStateOf(error) === sqlState.queryCanceled) return new DatabaseUnavailable('canceled');
    if (error instanceof DatabaseUnavailable) {
      if (error.kind !== 'canceled') this.onError(error.kind); // which is no fault of the database
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

function measure(meter: DatabaseMeter, began: number, since: number | undefined): void {
  const now = performance.now();
  meter.waitMs += (since ?? now) - began;
  if (since !== undefined) meter.databaseMs += now - since;
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
    // What a caller that vanished, or gave up, leaves behind must neither hold locks nor change anything for long after:
    // its backend looks for it this often, also while it waits for a lock.
    options: [
      `-c statement_timeout=${options.statementTimeoutMs}`,
      '-c idle_in_transaction_session_timeout=10000',
      '-c client_connection_check_interval=200',
    ].join(' '),
  };
}
