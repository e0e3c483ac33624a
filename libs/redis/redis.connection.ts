import { Logger } from '@nestjs/common';
import { Cluster, Command, type Redis as Client } from 'ioredis';
import { failConnectionOnParserError } from '#libs/errors';
import type { Span } from '#libs/telemetry';
import { createClient, type RedisSettings } from './redis.client';
import type { RedisMetrics } from './redis.metrics';
import type { RedisReply } from './redis.reply';
import { type RedisHealth, RedisStatus } from './redis.status';
import { rejectionOf } from './rejection';
import { readScript } from './script.file';
import { inScriptSpan } from './script.span';
import { settleWithin } from './promise.timeout';

/** How long calls fail at once after a timeout: only one call waits for a Redis that does not respond. */
const PAUSE_AFTER_TIMEOUT_MS = 1_000;
const MIN_RECONNECT_DELAY_MS = 100;
const MAX_RECONNECT_DELAY_MS = 2_000;
/** Errors that ioredis reports after the actual error. They do not say why the connection failed. */
const SUBSEQUENT_ERROR = /Connection is closed\.|^Failed to refresh slots cache|^All sentinels are unreachable/;

/** Runs a script. Never rejects, and never takes longer than `REDIS_TIMEOUT_MS`. Strings in the reply are `Buffer`s. */
export type RedisScript = (
  keys: string[],
  args: (string | Buffer | number)[],
  /** The parent of the script's span; undefined if the request is not traced. */
  span?: Span,
) => Promise<RedisReply>;

/**
 * The connection to Redis, which may be lost at any time: to one server, to the master that Sentinels name, or to a cluster. No
 * call rejects or waits longer than `REDIS_TIMEOUT_MS`; while Redis is unavailable, calls fail at once.
 *
 * The state of the connection is the circuit breaker. A timeout closes the connection with all its calls, and calls fail at once
 * until a new connection has passed the ready check. So requests never probe Redis, and calls are never queued. In a cluster, a
 * timeout or a lost node affects only the calls to that node: for a second, they fail at once.
 */
export class Redis {
  private readonly client: Client | Cluster | undefined;
  private readonly timeoutMs: number;
  private readonly status: RedisStatus;
  private readonly whenSettled: Promise<void>;
  private resolveSettled: () => void = () => undefined;
  private state: 'starting' | 'up' | 'down' | 'closed' = 'starting';
  /** The number of connections so far: a late timeout must not close a newer connection. */
  private connectionNumber = 0;
  private lastError = 'the connection was closed';
  private reconnectNotBefore = 0;
  /** Connections in a row that were closed because the server is a replica. */
  private replicaConnections = 0;
  /** By node of the cluster: until when calls fail at once, on the clock of `performance.now()`. */
  private readonly pausedNodes = new Map<string, number>();
  private errorLogged = false;
  private readonly upListeners: (() => void)[] = [];

  constructor(
    settings: RedisSettings,
    private readonly metrics: RedisMetrics,
    private readonly logger: Pick<Logger, 'log' | 'warn'> = new Logger(Redis.name),
  ) {
    this.timeoutMs = settings.redisTimeoutMs;
    this.status = new RedisStatus(metrics, logger);
    this.whenSettled = new Promise((resolve) => {
      this.resolveSettled = resolve;
    });
    if (settings.redisUrl === undefined) {
      this.resolveSettled();
      logger.log(
        'REDIS_URL is unset: 409 idempotency_key_in_use only after LOCK_TIMEOUT_MS, each process counts rate limits on its own, replays are read from the ledger',
      );
      return;
    }
    this.client = createClient(settings.redisUrl, settings, {
      retryDelay: (attempt) => this.reconnectDelay(attempt),
      report: (error) => {
        this.setLastError(error);
      },
    });
    this.watch(this.client);
  }

  /** Resolves when the first connection attempt has succeeded or failed, after a few seconds at most. Never rejects. */
  settled(): Promise<void> {
    return this.whenSettled;
  }

  health(): RedisHealth {
    if (this.client === undefined) return 'disabled';
    return this.state === 'up' ? this.status.health() : 'down';
  }

  /**
   * Registers a Lua script. Call it once per script, at startup.
   *
   * @throws Error if the file name does not end in its number of keys, or the file cannot be read
   */
  script(path: string): RedisScript {
    const { lua, keys: numberOfKeys } = readScript(path);
    const client = this.client;
    if (client === undefined) return () => Promise.resolve({ ok: false, sent: false });
    // The path is a unique name of the command.
    client.defineCommand(path, { lua, numberOfKeys });
    // `defineCommand` adds methods that are not in the type of the client.
    const commands = client as unknown as Record<string, (...args: (string | Buffer | number)[]) => Promise<unknown>>;
    const method = `${path}Buffer`;
    const run = (keys: string[], args: (string | Buffer | number)[]): Promise<RedisReply> =>
      this.run(keys, async () => commands[method]?.(...keys, ...args));
    return (keys, args, span) =>
      span === undefined ? run(keys, args) : inScriptSpan(span, path, () => run(keys, args));
  }

  /** Calls the listener each time Redis becomes available, before other calls are sent. It must not throw. */
  onUp(listener: () => void): void {
    this.upListeners.push(listener);
  }

  /** Waits for calls in progress, for `REDIS_TIMEOUT_MS` at most, and disconnects. */
  async close(): Promise<void> {
    const client = this.client;
    const wasUp = this.state === 'up';
    this.state = 'closed';
    this.resolveSettled();
    if (client === undefined) return;
    if (wasUp) await settleWithin(quit(client), this.timeoutMs);
    client.disconnect();
  }

  private watch(client: Client | Cluster): void {
    client.on('error', (error: Error) => {
      this.setLastError(error);
      // A client of Sentinels reports that none responds, and has no connection that it could close.
      if (this.state === 'starting') this.markDown(this.lastError);
    });
    client.on('sentinelError', (error: Error) => {
      this.setLastError(error);
    });
    client.on('node error', (error: Error) => {
      this.setLastError(error);
    });
    client.on('close', () => {
      this.markDown(this.lastError);
    });
    if (client instanceof Cluster) {
      client.on('+node', connectToMaster);
      client.on('ready', () => {
        // Without this, the first call to each master opens its connection, and the first requests continue without Redis.
        const masters = client.nodes('master').map((node) => node.ping().catch(() => undefined)); // reported as `node error`
        Promise.all(masters)
          .then(() => {
            if (client.status === 'ready') this.markUp();
          })
          .catch((error: unknown) => {
            this.logger.warn(error);
          });
      });
    } else {
      failOnParserError(client);
      client.on('ready', () => {
        this.markUp();
      });
    }
  }

  private async run(keys: readonly string[], call: () => Promise<unknown>): Promise<RedisReply> {
    const node = this.nodeOf(keys);
    if (this.state !== 'up' || this.isPaused(node)) {
      this.metrics.countRedisError('connection');
      return { ok: false, sent: false };
    }
    const connectionNumber = this.connectionNumber;
    const outcome = await settleWithin(call(), this.timeoutMs);
    switch (outcome.state) {
      case 'fulfilled':
        this.status.callSucceeded();
        if (this.status.health() === 'up') this.replicaConnections = 0;
        return { ok: true, value: outcome.value };
      case 'timeout':
        this.metrics.countRedisError('timeout');
        this.fail(node, connectionNumber, `no response within ${this.timeoutMs} ms`);
        return { ok: false, sent: true };
      case 'rejected':
        this.handleError(outcome.reason, node, connectionNumber);
        return { ok: false, sent: true };
    }
  }

  /** The node of the cluster that has the keys; undefined without a cluster. */
  private nodeOf([key = '']: readonly string[]): string | undefined {
    if (!(this.client instanceof Cluster)) return undefined;
    const slot = new Command('get', [key]).getSlot();
    return this.client.slots[slot]?.[0] ?? 'unknown';
  }

  private isPaused(node: string | undefined): boolean {
    return node !== undefined && performance.now() < (this.pausedNodes.get(node) ?? 0);
  }

  /** Makes calls fail at once: to a node of the cluster for a while, or to the server until it is connected again. */
  private fail(node: string | undefined, connectionNumber: number, reason: string): void {
    if (this.state !== 'up' || this.connectionNumber !== connectionNumber) return;
    const client = this.client;
    if (node !== undefined && client instanceof Cluster) {
      if (this.isPaused(node)) return;
      this.pausedNodes.set(node, performance.now() + PAUSE_AFTER_TIMEOUT_MS);
      this.status.markDegraded('node', `${node}: ${reason}`);
      // A replica may have been promoted.
      client.refreshSlotsCache(() => undefined); // the next call reports a failure
      return;
    }
    this.reconnectNotBefore = performance.now() + PAUSE_AFTER_TIMEOUT_MS;
    this.markDown(reason);
    this.client?.disconnect(true);
  }

  private handleError(reason: unknown, node: string | undefined, connectionNumber: number): void {
    const message = reason instanceof Error ? reason.message : String(reason);
    if (!(reason instanceof Error) || reason.name !== 'ReplyError') {
      this.metrics.countRedisError('connection');
      if (node !== undefined) this.fail(node, connectionNumber, message);
      return;
    }
    const rejection = rejectionOf(message);
    this.metrics.countRedisError(rejection === undefined ? 'other' : 'rejected');
    if (rejection !== undefined) this.status.markDegraded(rejection, message);
    else this.logOnce(message);
    if (rejection === 'READONLY') this.leaveReplica(connectionNumber);
  }

  /** The master became a replica. The name of the server, or the Sentinels, may now point to the new master. */
  private leaveReplica(connectionNumber: number): void {
    if (this.state !== 'up' || this.connectionNumber !== connectionNumber) return;
    this.state = 'down';
    this.replicaConnections += 1;
    this.client?.disconnect(true);
  }

  private logOnce(message: string): void {
    if (this.errorLogged) return;
    this.errorLogged = true;
    this.logger.warn(
      `Redis rejected a command: ${message}. Requests continue without Redis; further errors are only counted`,
    );
  }

  /** Keeps the message only: an error may contain the password, as an argument of the failed command. */
  private setLastError({ message }: Error): void {
    if (!SUBSEQUENT_ERROR.test(message)) this.lastError = message;
  }

  private markUp(): void {
    if (this.state === 'closed') return;
    this.state = 'up';
    this.connectionNumber += 1;
    this.errorLogged = false;
    this.lastError = 'the connection was closed';
    this.status.connected();
    for (const listener of this.upListeners) listener();
    this.resolveSettled();
  }

  private markDown(reason: string): void {
    if (this.state === 'closed' || this.state === 'down') return;
    this.state = 'down';
    this.status.disconnected(reason);
    this.resolveSettled();
  }

  /** Exponential, with jitter. */
  private reconnectDelay(attempt: number): number {
    const exponent = Math.min(Math.max(attempt, this.replicaConnections) - 1, 10);
    const backoff = Math.min(MIN_RECONNECT_DELAY_MS * 2 ** exponent, MAX_RECONNECT_DELAY_MS);
    const withJitter = backoff * (0.75 + Math.random() / 2);
    return Math.max(withJitter, this.reconnectNotBefore - performance.now());
  }
}

function failOnParserError(client: Client): void {
  client.on('connect', () => {
    failConnectionOnParserError(client.stream, (cause) => new Error('the reply could not be parsed', { cause }));
  });
}

/** Connects before the first call. Replicas get no calls, and so no connection. */
function connectToMaster(node: Client): void {
  failOnParserError(node);
  setImmediate(() => {
    // A call that was redirected to a new node has connected already. An error is reported as `node error`.
    if (node.status === 'wait' && node.options.readOnly !== true) node.connect().catch(() => undefined);
  });
}

async function quit(client: Client | Cluster): Promise<void> {
  const connections = client instanceof Cluster ? client.nodes('master') : [client];
  await Promise.allSettled(connections.filter(({ status }) => status === 'ready').map((node) => node.quit()));
}
