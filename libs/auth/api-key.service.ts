import { timingSafeEqual } from 'node:crypto';
import { Injectable, Logger } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { Settings } from '#libs/config';
import { RequestError } from '#libs/errors';
import { LogLimiter } from '#libs/telemetry';
import { hashApiKey, keyIdOf } from './api-key';
import { ApiKeyRepository, type StoredApiKey } from './api-key.repository';
import { AuthMetrics } from './auth.metrics';
import { AuthenticationThrottle } from './authentication.throttle';
import type { Principal } from './principal';

/** Why a key gives no access. For metrics only: the caller is told the same in every case. */
export type KeyRefusal = 'malformed' | 'unknown' | 'revoked' | 'expired';

/** How long a row is relied on, counted from the start of its look-up. No replica honours a revoked key longer than 5 s. */
const CACHE_MS = 4_000;
/** From this age on, a row that is used is read again in the background, so that a key in use never waits for a look-up. */
const REFRESH_AFTER_MS = 2_000;
const LOOK_UP_MS = 2_000;
const CACHED_KEYS = 10_000;
/** Remembered apart from the known keys, so that made-up key ids push none of those out. */
const CACHED_UNKNOWN = 1_000;
/** Key ids that exist, remembered longer than their rows: their look-ups are not throttled as those of unknown keys are. */
const FOUND_KEYS = 10_000;

interface KnownKey {
  readonly hash: Buffer;
  readonly principal: Principal;
  /** Milliseconds since the epoch; Infinity for a key that does not expire. */
  readonly expiresAt: number;
  readonly revoked: boolean;
  /** `performance.now()` from which on the row must not be used. */
  readonly staleAt: number;
  /** `performance.now()` from which on the row is read again in the background. */
  readonly refreshAt: number;
}

/** Tells who calls by an API key, at the cost of one SHA-256 and a map look-up while the key's row is cached. */
@Injectable()
export class ApiKeyService {
  private readonly known = new LRUCache<string, KnownKey>({ max: CACHED_KEYS });
  /** Values: `performance.now()` until which the key id counts as unknown. */
  private readonly unknown = new LRUCache<string, number>({ max: CACHED_UNKNOWN });
  private readonly found = new LRUCache<string, true>({ max: FOUND_KEYS });
  private readonly lookUps = new Map<string, Promise<KnownKey | undefined>>();

  private readonly throttle: AuthenticationThrottle;
  private readonly logger = new Logger(ApiKeyService.name);

  constructor(
    private readonly keys: ApiKeyRepository,
    settings: Settings,
    metrics: AuthMetrics,
  ) {
    const lines = new LogLimiter((reason, repeated, intervalMs) => {
      this.logger.warn({
        message: 'more requests with unknown keys refused',
        reason,
        repeated,
        interval_ms: intervalMs,
      });
    });
    this.throttle = new AuthenticationThrottle(settings, (reason, address) => {
      metrics.countAuthThrottled(reason);
      if (lines.admits(reason)) this.logger.warn({ message: 'a request with an unknown key refused', reason, address });
    });
  }

  /**
   * @param address of the caller
   * @throws RequestError `rate_limited` if the address failed too often and the key was never found; `unavailable` if the
   *   key is not cached and the database does not answer, or too many unknown keys are being looked up
   */
  async authenticate(apiKey: string, address: string): Promise<Principal | KeyRefusal> {
    const keyId = keyIdOf(apiKey);
    const now = performance.now();
    const cached = keyId === undefined ? undefined : this.cachedKey(keyId, now);
    if (keyId === undefined || !this.found.has(keyId)) this.throttle.checkAddress(address);
    else if (cached !== undefined && now >= cached.refreshAt) this.refresh(keyId);
    const caller = keyId === undefined ? 'malformed' : verify(apiKey, cached ?? (await this.lookUp(keyId, address)));
    if (typeof caller === 'string') this.throttle.countFailure(address);
    return caller;
  }

  private cachedKey(keyId: string, now: number): KnownKey | undefined {
    const key = this.known.get(keyId);
    return key !== undefined && now < key.staleAt ? key : undefined;
  }

  /** The cached row is used until its time is up; only then does a request meet the failure of a look-up. */
  private refresh(keyId: string): void {
    if (this.lookUps.has(keyId)) return;
    this.share(keyId, this.readRow(keyId)).catch((error: unknown) => {
      this.logger.debug(error);
    });
  }

  /** One statement per key id at a time, however many callers wait for it. */
  private lookUp(keyId: string, address: string): Promise<KnownKey | undefined> | undefined {
    if (performance.now() < (this.unknown.get(keyId) ?? 0)) return undefined;
    const running = this.lookUps.get(keyId);
    if (running !== undefined) return running;
    const read = (): Promise<KnownKey | undefined> => this.readRow(keyId);
    return this.share(keyId, this.found.has(keyId) ? read() : this.throttle.lookUp(address, read));
  }

  /** Has every caller that needs the row wait for the same look-up. */
  private share(keyId: string, lookUp: Promise<KnownKey | undefined>): Promise<KnownKey | undefined> {
    const shared = lookUp.finally(() => this.lookUps.delete(keyId));
    this.lookUps.set(keyId, shared);
    return shared;
  }

  private async readRow(keyId: string): Promise<KnownKey | undefined> {
    const startedAt = performance.now();
    const row = await this.keys.findByKeyId(keyId, LOOK_UP_MS);
    // A row may have changed since it was read: however the time was spent, one this old says nothing.
    if (performance.now() >= startedAt + CACHE_MS) throw new RequestError('unavailable');
    if (row === undefined) {
      this.unknown.set(keyId, startedAt + CACHE_MS);
      return undefined;
    }
    const key = toKnownKey(row, startedAt);
    this.known.set(keyId, key);
    this.found.set(keyId, true);
    return key;
  }
}

/** @param startedAt `performance.now()` when the look-up began: the row may lack what changed after it */
function toKnownKey(row: StoredApiKey, startedAt: number): KnownKey {
  return {
    refreshAt: startedAt + REFRESH_AFTER_MS,
    staleAt: startedAt + CACHE_MS,
    hash: row.hash,
    principal: Object.freeze({
      keyId: row.keyId,
      clientId: row.clientId,
      clientName: row.clientName,
      teamId: row.teamId,
      scopes: new Set(row.scopes),
      limits: row.limits,
    }),
    expiresAt: row.expiresAt?.getTime() ?? Infinity,
    revoked: row.revokedAt !== undefined,
  };
}

/** Who calls, or why the key gives no access. */
function verify(apiKey: string, key: KnownKey | undefined): Principal | KeyRefusal {
  if (key === undefined || !timingSafeEqual(hashApiKey(apiKey), key.hash)) return 'unknown';
  if (key.revoked) return 'revoked';
  // Checked at every use: a cached row must not outlive its key.
  if (key.expiresAt <= Date.now()) return 'expired';
  return key.principal;
}
