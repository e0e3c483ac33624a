import type { Logger } from '@nestjs/common';
import type { RedisMetrics } from './redis.metrics';

/** The time without a failed call after which Redis counts as available again. One success is not enough: reads succeed on a full Redis. */
const RECOVERY_MS = 30_000;

/**
 * - `up`: every call is executed
 * - `degraded`: it responds, but rejects calls, or a node of the cluster is unavailable
 * - `down`: not connected, or during the first connection attempt
 * - `disabled`: `REDIS_URL` is unset
 */
export type RedisHealth = 'up' | 'degraded' | 'down' | 'disabled';

/**
 * The state of Redis, for health, metrics and log. While Redis is not `up`, each kind of reason is logged once, however
 * often the connection is lost and made again.
 */
export class RedisStatus {
  private isConnected = false;
  private isUp: boolean | undefined;
  /** When the last call failed, on the clock of `performance.now()`; undefined if none did since Redis was up. */
  private failedAt: number | undefined;
  private readonly logged = new Set<string>();

  constructor(
    private readonly metrics: RedisMetrics,
    private readonly logger: Pick<Logger, 'log' | 'warn'>,
  ) {}

  health(): RedisHealth {
    if (!this.isConnected) return 'down';
    return this.isUp === true ? 'up' : 'degraded';
  }

  connected(): void {
    this.isConnected = true;
    if (this.failedAt === undefined) this.setUp();
  }

  /** The connection was lost, or could not be made. */
  disconnected(reason: string): void {
    this.isConnected = false;
    this.setNotUp('connection', `Redis is unavailable (${reason}): requests continue without it`);
  }

  /** Redis is connected, but does not execute all calls. @param kind of the reason */
  markDegraded(kind: string, reason: string): void {
    this.failedAt = performance.now();
    this.setNotUp(kind, `Redis is degraded (${reason}): requests continue without it`);
  }

  /** A call was executed. */
  callSucceeded(): void {
    if (this.failedAt === undefined || performance.now() - this.failedAt < RECOVERY_MS) return;
    this.failedAt = undefined;
    if (this.isConnected) this.setUp();
  }

  private setUp(): void {
    if (this.isUp === true) return;
    this.isUp = true;
    this.logged.clear();
    this.metrics.setRedisUp(true);
    this.logger.log('Redis is available');
  }

  private setNotUp(kind: string, message: string): void {
    if (this.isUp !== false) this.metrics.setRedisUp(false);
    this.isUp = false;
    if (this.logged.has(kind)) return;
    this.logged.add(kind);
    this.logger.warn(message);
  }
}
