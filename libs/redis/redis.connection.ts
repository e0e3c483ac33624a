import { Logger } from '@nestjs/common';
import { Redis as Client } from 'ioredis';
import type { Settings } from '#libs/config';
import { failConnectionOnParserError } from '#libs/database';
import type { Span } from '#libs/telemetry';
import type { RedisMetrics } from './redis.metrics';
import { readScript } from './script.file';
import type { RedisReply } from './redis.reply';
import { inScriptSpan } from './script.span';
import { settleWithin } from './time.budget';

/** How long calls fail at once after a timeout: only one call waits for a Redis that does not respond. */
const PAUSE_AFTER_TIMEOUT_MS = 1_000;
const MIN_RECONNECT_DELAY_MS = 100;
const MAX_RECONNECT_DELAY_MS = 2_000;
/** The timeout of connect, authentication and ready check. No call waits for them. */
const HANDSHAKE_MS = 1_000;
const KEEP_ALIVE_MS = 10_000;

/** `down` covers the first connection attempt; `disabled` means that `REDIS_URL` is unset. */
export type RedisHealth = 'up' | 'down' | 'disabled';

/** Runs a script. Never rejects, and never takes longer than `REDIS_TIMEOUT_MS`. Strings in the reply are `Buffer`s. */
export type RedisScript = (
  keys: string[],
  args: (string | Buffer | number)[],
  /** The parent of the script's span; undefined if the request is not traced. */
  span?: Span,
) => Promise<RedisReply>;

/**
 * The connection to Redis, which may be lost at any time. No call rejects or waits longer than `REDIS_TIMEOUT_MS`; while Redis is
 * unavailable, calls fail at once.
 *
 * The state of the connection is the circuit breaker. A timeout closes the connection with all its calls, and calls fail at once
 * until a new connection has passed the ready check. So requests never probe Redis, and calls are never queued.
 */
export class Redis {
  readonly #client: Client | undefined;
  readonly #budgetMs: number;
  readonly #settled: Promise<void>;
  #onSettled: () => void = () => undefined;
  #state: 'starting' | 'up' | 'down' | 'closed' = 'starting';
  /** The number of connections so far: a late timeout must not close a newer connection. */
  #connection = 0;
  #lastError = 'the connection was closed';
  #reconnectNotBefore = 0;
  #errorLogged = false;
  readonly #onUp: (() => void)[] = [];

  constructor(
    settings: Pick<Settings, 'redisUrl' | 'redisTimeoutMs'>,
    private readonly metrics: RedisMetrics,
    private readonly logger: Pick<Logger, 'log' | 'warn'> = new Logger(Redis.name),
  ) {
    this.#budgetMs = settings.redisTimeoutMs;
    this.#settled = new Promise((resolve) => {
      this.#onSettled = resolve;
    });
    if (settings.redisUrl === undefined) {
      this.#onSettled();
      logger.log(
        'REDIS_URL is unset: no 409 idempotency_key_in_use at once, each process counts rate limits on its own, replays are read from the ledger',
      );
      return;
    }
    this.#client = this.#connect(settings.redisUrl);
  }

  /** Resolves when the first connection attempt has succeeded or failed, after a few seconds at most. Never rejects. */
  settled(): Promise<void> {
    return this.#settled;
  }

  health(): RedisHealth {
    if (this.#client === undefined) return 'disabled';
    return this.#state === 'up' ? 'up' : 'down';
  }

  /**
   * Registers a Lua script. Call it once per script, at startup.
   *
   * @throws Error if the file name does not end in its number of keys, or the file cannot be read
   */
  script(path: string): RedisScript {
    const { lua, keys: numberOfKeys } = readScript(path);
    const client = this.#client;
    if (client === undefined) return () => Promise.resolve({ ok: false, sent: false });
    // The path is a unique name of the command.
    client.defineCommand(path, { lua, numberOfKeys });
    // `defineCommand` adds methods that are not in the type of the client.
    const commands = client as unknown as Record<string, (...args: (string | Buffer | number)[]) => Promise<unknown>>;
    const method = `${path}Buffer`;
    const run = (keys: string[], args: (string | Buffer | number)[]): Promise<RedisReply> =>
      this.#run(async () => commands[method]?.(...keys, ...args));
    return (keys, args, span) =>
      span === undefined ? run(keys, args) : inScriptSpan(span, path, () => run(keys, args));
  }

  /** Calls the listener each time Redis becomes available, before other calls are sent. It must not throw. */
  onUp(listener: () => void): void {
    this.#onUp.push(listener);
  }

  /** Waits for calls in progress, for `REDIS_TIMEOUT_MS` at most, and disconnects. */
  async close(): Promise<void> {
    const client = this.#client;
    const wasUp = this.#state === 'up';
    this.#state = 'closed';
    this.#onSettled();
    if (client === undefined) return;
    if (wasUp) await settleWithin(client.quit(), this.#budgetMs);
    client.disconnect();
  }

  #connect(url: string): Client {
    const client = new Client(url, {
      connectionName: 'prism-gateway',
      disableClientInfo: true,
      enableOfflineQueue: false,
      // With 0, calls in progress fail at once when the connection breaks. They are not sent again: the callers have continued.
      maxRetriesPerRequest: 0,
      autoResendUnfulfilledCommands: false,
      connectTimeout: HANDSHAKE_MS,
      commandTimeout: Math.max(HANDSHAKE_MS, this.#budgetMs),
      maxLoadingRetryTime: HANDSHAKE_MS,
      disconnectTimeout: 0,
      keepAlive: KEEP_ALIVE_MS,
      retryStrategy: (attempt) => this.#reconnectDelay(attempt),
      // The primary became a replica. The host name may now resolve to the new primary.
      reconnectOnError: (error) => error.message.startsWith('READONLY'),
    });
    client.on('connect', () => {
      failConnectionOnParserError(client.stream, (cause) => new Error('The reply could not be parsed', { cause }));
    });
    client.on('ready', () => {
      this.#isUp();
    });
    client.on('error', (error: Error) => {
      // The message only: the error may contain the password, as an argument of the failed command.
      this.#lastError = error.message;
    });
    client.on('close', () => {
      this.#isDown(this.#lastError);
    });
    return client;
  }

  async #run(call: () => Promise<unknown>): Promise<RedisReply> {
    if (this.#state !== 'up') {
      this.metrics.countRedisError('connection');
      return { ok: false, sent: false };
    }
    const connection = this.#connection;
    const outcome = await settleWithin(call(), this.#budgetMs);
    switch (outcome.state) {
      case 'fulfilled':
        return { ok: true, value: outcome.value };
      case 'timeout':
        this.metrics.countRedisError('timeout');
        this.#drop(connection);
        return { ok: false, sent: true };
      case 'rejected':
        this.#handleError(outcome.reason);
        return { ok: false, sent: true };
    }
  }

  #drop(connection: number): void {
    if (this.#state !== 'up' || this.#connection !== connection) return;
    this.#reconnectNotBefore = performance.now() + PAUSE_AFTER_TIMEOUT_MS;
    this.#isDown(`no response within ${this.#budgetMs} ms`);
    this.#client?.disconnect(true);
  }

  #handleError(reason: unknown): void {
    const message = reason instanceof Error ? reason.message : String(reason);
    if (!(reason instanceof Error) || reason.name !== 'ReplyError') {
      this.metrics.countRedisError('connection');
      return;
    }
    this.metrics.countRedisError('other');
    if (this.#errorLogged) return;
    this.#errorLogged = true;
    this.logger.warn(
      `Redis rejected a command: ${message}. Requests continue without Redis; further errors are only counted`,
    );
  }

  #isUp(): void {
    if (this.#state === 'closed') return;
    this.#state = 'up';
    this.#connection += 1;
    this.#errorLogged = false;
    this.#lastError = 'the connection was closed';
    this.metrics.setRedisUp(true);
    this.logger.log('Redis is available');
    for (const listener of this.#onUp) listener();
    this.#onSettled();
  }

  #isDown(reason: string): void {
    if (this.#state === 'closed' || this.#state === 'down') return;
    this.#state = 'down';
    this.metrics.setRedisUp(false);
    this.logger.warn(`Redis is unavailable (${reason}): requests continue without it`);
    this.#onSettled();
  }

  /** Milliseconds until the next connection attempt: exponential, with jitter. */
  #reconnectDelay(attempt: number): number {
    const backoff = Math.min(MIN_RECONNECT_DELAY_MS * 2 ** Math.min(attempt - 1, 10), MAX_RECONNECT_DELAY_MS);
    const withJitter = backoff * (0.75 + Math.random() / 2);
    return Math.max(withJitter, this.#reconnectNotBefore - performance.now());
  }
}
