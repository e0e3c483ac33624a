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

/** How long calls are skipped after one ran out of time: a Redis that hangs costs one call its budget, not every call. */
const PAUSE_AFTER_TIMEOUT_MS = 1_000;
const MIN_RECONNECT_DELAY_MS = 100;
const MAX_RECONNECT_DELAY_MS = 2_000;
/** Connecting, signing in and the ready check together. No call waits for them. */
const HANDSHAKE_MS = 1_000;
const KEEP_ALIVE_MS = 10_000;

/** `down` covers the first connection attempt; `disabled` means that `REDIS_URL` is unset. */
export type RedisHealth = 'up' | 'down' | 'disabled';

/**
 * Runs one script. Never rejects, and never takes longer than the time budget. Strings come back as `Buffer`.
 */
export type RedisScript = (
  keys: string[],
  args: (string | Buffer | number)[],
  /** What the script's own span is a part of; undefined: none is made. */
  span?: Span,
) => Promise<RedisReply>;

/**
 * The one connection to Redis, which may vanish at any time: no call rejects, none waits longer than
 * `REDIS_TIMEOUT_MS`, and none waits at all while Redis is known to be away.
 *
 * The state of the connection is the circuit breaker. A call that runs out of time drops it, with everything that waits
 * on it; calls are skipped until a new one has shown, by Redis' answer to the ready check, that Redis is back. So no
 * call of a request is ever the probe, and nothing queues up.
 */
export class Redis {
  readonly #client: Client | undefined;
  readonly #budgetMs: number;
  readonly #settled: Promise<void>;
  #onSettled: () => void = () => undefined;
  #state: 'starting' | 'up' | 'down' | 'closed' = 'starting';
  /** Counts the connections, so that a late timer does not drop the successor of the one it waited on. */
  #connection = 0;
  #lastError = 'the connection was closed';
  #reconnectNotBefore = 0;
  #refusalLogged = false;
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
        'REDIS_URL is unset: no 409 for a request that is still in flight, limits count per process, replays come from the ledger',
      );
      return;
    }
    this.#client = this.#connect(settings.redisUrl);
  }

  /** Resolves when the first attempt to connect has succeeded or failed, after a few seconds at most. Never rejects. */
  settled(): Promise<void> {
    return this.#settled;
  }

  health(): RedisHealth {
    if (this.#client === undefined) return 'disabled';
    return this.#state === 'up' ? 'up' : 'down';
  }

  /**
   * Makes a Lua file callable; call it once, at start.
   * @throws {Error} if the file's name does not end in its number of keys, or it cannot be read.
   */
  script(path: string): RedisScript {
    const { lua, keys: numberOfKeys } = readScript(path);
    const client = this.#client;
    if (client === undefined) return () => Promise.resolve({ ok: false, sent: false });
    // The path is the command's name because it is unique whichever room the script is from.
    client.defineCommand(path, { lua, numberOfKeys });
    // `defineCommand` adds methods that the type of the client cannot know.
    const commands = client as unknown as Record<string, (...args: (string | Buffer | number)[]) => Promise<unknown>>;
    const method = `${path}Buffer`;
    const run = (keys: string[], args: (string | Buffer | number)[]): Promise<RedisReply> =>
      this.#run(async () => commands[method]?.(...keys, ...args));
    return (keys, args, span) =>
      span === undefined ? run(keys, args) : inScriptSpan(span, path, () => run(keys, args));
  }

  /** Has the listener called each time Redis is there or back, before any other call is made. It must not throw. */
  onUp(listener: () => void): void {
    this.#onUp.push(listener);
  }

  /** Lets the calls under way end, within the time budget, and disconnects for good. */
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
      // With 0, calls under way end at once when the connection breaks. None is sent again: its caller has gone on.
      maxRetriesPerRequest: 0,
      autoResendUnfulfilledCommands: false,
      connectTimeout: HANDSHAKE_MS,
      commandTimeout: Math.max(HANDSHAKE_MS, this.#budgetMs),
      maxLoadingRetryTime: HANDSHAKE_MS,
      disconnectTimeout: 0,
      keepAlive: KEEP_ALIVE_MS,
      retryStrategy: (attempt) => this.#reconnectDelay(attempt),
      // A primary that became a replica: its name may by now lead to the new primary.
      reconnectOnError: (error) => error.message.startsWith('READONLY'),
    });
    client.on('connect', () => {
      failConnectionOnParserError(client.stream, (cause) => new Error('The reply could not be parsed', { cause }));
    });
    client.on('ready', () => {
      this.#isUp();
    });
    client.on('error', (error: Error) => {
      // The message only: the error itself may hold the password, as the argument of the command that failed.
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
        this.#refused(outcome.reason);
        return { ok: false, sent: true };
    }
  }

  #drop(connection: number): void {
    if (this.#state !== 'up' || this.#connection !== connection) return;
    this.#reconnectNotBefore = performance.now() + PAUSE_AFTER_TIMEOUT_MS;
    this.#isDown(`no answer within ${this.#budgetMs} ms`);
    this.#client?.disconnect(true);
  }

  #refused(reason: unknown): void {
    const message = reason instanceof Error ? reason.message : String(reason);
    if (!(reason instanceof Error) || reason.name !== 'ReplyError') {
      this.metrics.countRedisError('connection');
      return;
    }
    this.metrics.countRedisError('other');
    if (this.#refusalLogged) return;
    this.#refusalLogged = true;
    this.logger.warn(`Redis refuses a command: ${message}. Calls go on without it; further refusals are only counted`);
  }

  #isUp(): void {
    if (this.#state === 'closed') return;
    this.#state = 'up';
    this.#connection += 1;
    this.#refusalLogged = false;
    this.#lastError = 'the connection was closed';
    this.metrics.setRedisUp(true);
    this.logger.log('Redis is up');
    for (const listener of this.#onUp) listener();
    this.#onSettled();
  }

  #isDown(reason: string): void {
    if (this.#state === 'closed' || this.#state === 'down') return;
    this.#state = 'down';
    this.metrics.setRedisUp(false);
    this.logger.warn(`Redis is away (${reason}): calls go on without it until it is back`);
    this.#onSettled();
  }

  /** Milliseconds until the next attempt: doubling, with some chance in it so that replicas do not come back as one. */
  #reconnectDelay(attempt: number): number {
    const backoff = Math.min(MIN_RECONNECT_DELAY_MS * 2 ** Math.min(attempt - 1, 10), MAX_RECONNECT_DELAY_MS);
    const spread = backoff * (0.75 + Math.random() / 2);
    return Math.max(spread, this.#reconnectNotBefore - performance.now());
  }
}
