import { timingSafeEqual } from 'node:crypto';
import { ProblemException } from '#libs/problems';
import { Injectable } from '@nestjs/common';
import { hashApiKey, keyIdOf } from './api-key';
import { ApiKeyRepository, type StoredApiKey } from './api-key.repository';
import { ExpiringCache } from './expiring-cache';
import type { Principal } from './principal';

/** Why a key gives no access. For metrics only: the caller is told the same in every case. */
type KeyRefusal = 'malformed' | 'unknown' | 'revoked' | 'expired';

/** How long a row is relied on, counted from the start of its look-up. No replica honours a revoked key longer than 5 s. */
const CACHE_MS = 4_000;
const LOOK_UP_MS = 2_000;
const CACHED_KEYS = 10_000;
/** Remembered apart from the known keys, so that made-up key ids push none of those out. */
const CACHED_UNKNOWN = 1_000;

interface KnownKey {
  readonly hash: Buffer;
  readonly principal: Principal;
  /** Milliseconds since the epoch; Infinity for a key that does not expire. */
  readonly expiresAt: number;
  readonly revoked: boolean;
}

/** Tells who calls by an API key, at the cost of one SHA-256 and a map look-up while the key's row is cached. */
@Injectable()
export class ApiKeyService {
  private readonly known = new ExpiringCache<KnownKey>(CACHED_KEYS);
  private readonly unknown = new ExpiringCache<true>(CACHED_UNKNOWN);
  private readonly lookUps = new Map<string, Promise<KnownKey | undefined>>();

  constructor(private readonly keys: ApiKeyRepository) {}

  /** @throws ProblemException `unavailable` if the key's row is not cached and the database does not answer */
  async authenticate(apiKey: string): Promise<Principal | KeyRefusal> {
    const keyId = keyIdOf(apiKey);
    if (keyId === undefined) return 'malformed';
    const key = this.known.get(keyId, performance.now()) ?? (await this.lookUp(keyId));
    if (key === undefined || !timingSafeEqual(hashApiKey(apiKey), key.hash)) return 'unknown';
    if (key.revoked) return 'revoked';
    // Checked at every use: a cached row must not outlive its key.
    if (key.expiresAt <= Date.now()) return 'expired';
    return key.principal;
  }

  /** One statement per key id at a time, however many callers wait for it. */
  private lookUp(keyId: string): Promise<KnownKey | undefined> | undefined {
    if (this.unknown.get(keyId, performance.now()) !== undefined) return undefined;
    let lookUp = this.lookUps.get(keyId);
    if (lookUp === undefined) {
      lookUp = this.read(keyId).finally(() => this.lookUps.delete(keyId));
      this.lookUps.set(keyId, lookUp);
    }
    return lookUp;
  }

  private async read(keyId: string): Promise<KnownKey | undefined> {
    const until = performance.now() + CACHE_MS;
    const row = await this.keys.findByKeyId(keyId, LOOK_UP_MS);
    // A row may have changed since it was read: however the time was spent, one this old says nothing.
    if (performance.now() >= until) throw new ProblemException('unavailable');
    if (row === undefined) {
      this.unknown.set(keyId, true, until);
      return undefined;
    }
    const key = toKnownKey(row);
    this.known.set(keyId, key, until);
    return key;
  }
}

function toKnownKey(row: StoredApiKey): KnownKey {
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
