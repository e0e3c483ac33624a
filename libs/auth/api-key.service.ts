import { timingSafeEqual } from 'node:crypto';
import { Injectable, Logger } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { Settings } from '#libs/config';
import { FreshCache } from '#libs/cache';
import { RequestError } from '#libs/errors';
import { LogLimiter } from '#libs/telemetry';
import { hashApiKey, keyIdOf } from './api-key';
import { ApiKeyRepository, type StoredApiKey } from './api-key.repository';
import { AuthMetrics } from './auth.metrics';
import { AuthenticationThrottle } from './authentication.throttle';
import type { Principal } from './principal';

/** Why a key is rejected. For metrics only: the response does not contain it. */
export type KeyRejection = 'malformed' | 'unknown' | 'revoked' | 'expired';

/** Every gateway rejects a revoked key within 5 s. */
const FRESHNESS = { maxAgeMs: 4_000, refreshAfterMs: 2_000, capacity: 10_000 };
const LOOKUP_TIMEOUT_MS = 2_000;
/** Unknown key ids have a cache of their own, so that they do not evict existing keys. */
const MAX_CACHED_UNKNOWN = 1_000;
/** Key ids that exist. They are kept longer than their rows, so that their next lookup is not throttled. */
const MAX_FOUND_KEYS = 10_000;

interface CachedKey {
  readonly hash: Buffer;
  readonly principal: Principal;
  /** Milliseconds since the epoch; Infinity for a key that does not expire. */
  readonly expiresAt: number;
  readonly revoked: boolean;
}

/** Authenticates API keys. While the row of a key is cached, this costs one SHA-256 and a map lookup. */
@Injectable()
export class ApiKeyService {
  private readonly cached = new FreshCache<CachedKey | undefined>(FRESHNESS);
  /** By key id: until when the key counts as unknown, on the clock of `performance.now()`. */
  private readonly unknownUntil = new LRUCache<string, number>({ max: MAX_CACHED_UNKNOWN });
  private readonly foundKeyIds = new LRUCache<string, true>({ max: MAX_FOUND_KEYS });
  private readonly throttle: AuthenticationThrottle;
  private readonly logger = new Logger(ApiKeyService.name);

  constructor(
    private readonly keys: ApiKeyRepository,
    settings: Settings,
    metrics: AuthMetrics,
  ) {
    const limiter = new LogLimiter((reason, repeated, intervalMs) => {
      this.logger.warn({
        message: 'requests with unknown keys rejected',
        reason,
        repeated,
        interval_ms: intervalMs,
      });
    });
    this.throttle = new AuthenticationThrottle(settings, (reason, address) => {
      metrics.countAuthThrottled(reason);
      if (limiter.admits(reason))
        this.logger.warn({ message: 'request with an unknown key rejected', reason, address });
    });
  }

  /**
   * @param address the IP address of the client
   * @returns the principal, or why the key is rejected
   * @throws RequestError `rate_limited` if the address sent too many invalid keys, unless this key is valid and was found before;
   *   `unavailable` if the key is not cached and the database is unavailable, or too many unknown keys are being looked up
   */
  async authenticate(apiKey: string, address: string): Promise<Principal | KeyRejection> {
    const keyId = keyIdOf(apiKey);
    const wasFound = keyId !== undefined && this.foundKeyIds.has(keyId);
    if (!wasFound) this.throttle.checkAddress(address);
    const result = keyId === undefined ? 'malformed' : verify(apiKey, await this.findKey(keyId, address));
    if (typeof result !== 'string') return result;
    // A caller without the secret of a key must not learn whether its id exists.
    if (wasFound) this.throttle.checkAddress(address);
    this.throttle.countFailure(address);
    return result;
  }

  private findKey(keyId: string, address: string): CachedKey | undefined | Promise<CachedKey | undefined> {
    if (performance.now() < (this.unknownUntil.get(keyId) ?? 0)) return undefined;
    return this.cached.get(keyId, () => {
      const read = (): Promise<CachedKey | undefined> => this.loadKey(keyId);
      return this.foundKeyIds.has(keyId) ? read() : this.throttle.lookup(address, read);
    });
  }

  private async loadKey(keyId: string): Promise<CachedKey | undefined> {
    const staleAt = performance.now() + FRESHNESS.maxAgeMs;
    const row = await this.keys.findByKeyId(keyId, LOOKUP_TIMEOUT_MS);
    // The row may have changed since the lookup started: after this time it must not be used.
    if (performance.now() >= staleAt) throw new RequestError('unavailable');
    if (row === undefined) {
      this.unknownUntil.set(keyId, staleAt);
      return undefined;
    }
    this.foundKeyIds.set(keyId, true);
    return toCachedKey(row);
  }
}

function toCachedKey(row: StoredApiKey): CachedKey {
  return {
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

/** The principal of the key, or why it is rejected. */
function verify(apiKey: string, key: CachedKey | undefined): Principal | KeyRejection {
  if (key === undefined || !timingSafeEqual(hashApiKey(apiKey), key.hash)) return 'unknown';
  if (key.revoked) return 'revoked';
  // Checked on every use, because the row is cached.
  if (key.expiresAt <= Date.now()) return 'expired';
  return key.principal;
}
