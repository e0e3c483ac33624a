import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { Injectable, Logger } from '@nestjs/common';
import { Settings } from '#libs/config';
import { Redis, type RedisScript } from '#libs/redis';
import type { Span } from '#libs/telemetry';
import type { IdempotencyId } from './idempotency-key';
import { type CachedResponse, packResponse, unpackResponse } from './cached-response';

/** How long a claim outlives its gateway: a retry after a crash waits no longer than this. */
const LEASE_MS = 3_000;
/** Two renewals may be lost before the lease expires. */
const RENEWAL_INTERVAL_MS = 1_000;
/** More than a gateway has in flight, and few enough to release all within `REDIS_TIMEOUT_MS` when Redis is back. */
const MAX_ORPHANED_CLAIMS = 1_000;

/**
 * The result of claiming a key. With `unavailable`, the claim may still exist if the call was sent; only then `owner` is set.
 */
export type Claim =
  | { state: 'new'; owner: string }
  | { state: 'unavailable'; owner: string | undefined }
  | { state: 'in_flight'; retryAfterSeconds: number }
  | { state: 'cached'; response: CachedResponse; owner: string }
  | { state: 'mismatch' };

/**
 * The claims and cached responses in Redis: the fast path, while the ledger is authoritative. No method rejects, and each
 * call of Redis ends within `REDIS_TIMEOUT_MS`.
 */
@Injectable()
export class ClaimStore {
  private readonly logger = new Logger(ClaimStore.name);
  private readonly claimScript: RedisScript;
  private readonly findScript: RedisScript;
  private readonly storeScript: RedisScript;
  private readonly renewScript: RedisScript;
  private readonly releaseScript: RedisScript;
  private readonly cacheMs: number;
  private readonly maxClaimMs: number;
  /** The claims of this gateway's running requests, by owner. `deadline`: of the request, on the clock of `performance.now()`. */
  private readonly running = new Map<string, { id: IdempotencyId; deadline: number }>();
  private renewalTimer: NodeJS.Timeout | undefined;
  /** By owner, the oldest first: claims that could not be released. `expiresAt`: on the clock of `performance.now()`. */
  private readonly orphanedClaims = new Map<string, { id: IdempotencyId; expiresAt: number }>();
  private isDamageLogged = false;

  constructor(redis: Redis, settings: Settings) {
    this.claimScript = redis.script(join(__dirname, 'lua', 'claim-1.lua'));
    this.findScript = redis.script(join(__dirname, 'lua', 'find-1.lua'));
    this.storeScript = redis.script(join(__dirname, 'lua', 'store-1.lua'));
    this.renewScript = redis.script(join(__dirname, 'lua', 'renew-1.lua'));
    this.releaseScript = redis.script(join(__dirname, 'lua', 'release-1.lua'));
    this.cacheMs = 1_000 * Math.min(settings.idempotencyCacheSeconds, settings.idempotencyTtlSeconds);
    this.maxClaimMs = settings.requestTimeoutMs;
    redis.onUp(() => {
      this.releaseOrphanedClaims();
    });
  }

  /**
   * Claims the key for one attempt, and renews the lease of the claim until the attempt stores a response or releases it.
   * A lost lease does not stop the attempt: the ledger decides which attempt applies an item.
   *
   * @param remainingMs until the request's deadline; the claim is not renewed beyond it
   * @param discard the owner of a cached response that must not be used; it is deleted
   */
  async claim(id: IdempotencyId, fingerprint: Buffer, remainingMs: number, discard = '', span?: Span): Promise<Claim> {
    const claim = await this.tryClaim(id, fingerprint, remainingMs, discard, span);
    if (claim.state !== 'damaged') return claim;
    this.logDamage();
    const second = await this.tryClaim(id, fingerprint, remainingMs, claim.owner, span);
    return second.state === 'damaged' ? { state: 'unavailable', owner: undefined } : second;
  }

  /**
   * Caches the response of a completed request for its retries, in place of the claim. If Redis rejects the
   * response, because it is full, the same call releases the claim.
   * @returns false if this attempt no longer holds the claim, or the response was not cached
   */
  async storeResponse(id: IdempotencyId, owner: string, response: CachedResponse, span?: Span): Promise<boolean> {
    this.running.delete(owner);
    const packed = packResponse(response);
    const reply = packed && (await this.storeScript([redisKey(id)], [owner, packed, this.cacheMs], span));
    if (reply?.ok === true) return reply.value === 1;
    await this.release(id, owner, span);
    return false;
  }

  /**
   * Releases a claim without a response. If Redis is unavailable, the claim is released as soon as it is back.
   * @returns false if this attempt no longer holds the claim, or Redis is unavailable
   */
  async release(id: IdempotencyId, owner: string, span?: Span): Promise<boolean> {
    this.running.delete(owner);
    const reply = await this.releaseScript([redisKey(id)], [owner], span);
    if (!reply.ok) this.addOrphanedClaim(id, owner);
    return reply.ok && reply.value === 1;
  }

  /** Whether an attempt holds the claim of the key; undefined if Redis is unavailable. */
  async isClaimed(id: IdempotencyId, span?: Span): Promise<boolean | undefined> {
    const reply = await this.findScript([redisKey(id)], [], span);
    return reply.ok ? reply.value === 1 : undefined;
  }

  /** The number of claims to release when Redis is back: at most {@link MAX_ORPHANED_CLAIMS}. */
  get orphanedClaimCount(): number {
    return this.orphanedClaims.size;
  }

  private async tryClaim(
    id: IdempotencyId,
    fingerprint: Buffer,
    remainingMs: number,
    discard: string,
    span: Span | undefined,
  ): Promise<Claim | { state: 'damaged'; owner: string }> {
    const owner = randomUUID();
    const reply = await this.claimScript([redisKey(id)], [fingerprint, owner, leaseMs(remainingMs), discard], span);
    if (!reply.ok) {
      if (reply.sent) this.startRenewal(id, owner, remainingMs);
      return { state: 'unavailable', owner: reply.sent ? owner : undefined };
    }
    // The shapes that claim-1.lua documents.
    const [state, first, second] = reply.value as [Buffer, unknown, unknown];
    switch (state.toString()) {
      case 'new':
        this.startRenewal(id, owner, remainingMs);
        return { state: 'new', owner };
      case 'mismatch':
        return { state: 'mismatch' };
      case 'in_flight':
        return { state: 'in_flight', retryAfterSeconds: retryAfterSeconds(first as number) };
      default:
        return readResponse(first as Buffer, second as Buffer);
    }
  }

  private startRenewal(id: IdempotencyId, owner: string, remainingMs: number): void {
    this.running.set(owner, { id, deadline: performance.now() + remainingMs });
    this.scheduleRenewal();
  }

  private scheduleRenewal(): void {
    if (this.renewalTimer !== undefined || this.running.size === 0) return;
    this.renewalTimer = setTimeout(() => {
      this.renewalTimer = undefined;
      this.renewClaims();
      this.scheduleRenewal();
    }, RENEWAL_INTERVAL_MS).unref();
  }

  /** Renews the claims of all running requests in one pipeline. */
  private renewClaims(): void {
    for (const [owner, { id, deadline }] of this.running) {
      const remainingMs = deadline - performance.now();
      if (remainingMs > 0) {
        this.renewClaim(id, owner, remainingMs).catch((error: unknown) => {
          this.logger.error(error);
        });
      } else this.running.delete(owner);
    }
  }

  private async renewClaim(id: IdempotencyId, owner: string, remainingMs: number): Promise<void> {
    const reply = await this.renewScript([redisKey(id)], [owner, leaseMs(remainingMs)]);
    if (reply.ok && reply.value === 0) this.running.delete(owner);
  }

  /**
   * A Redis that was paused executes the calls that it received in the meantime, so a claim can outlive its request. Claims
   * past every deadline are dropped, and the oldest ones beyond the limit.
   */
  private addOrphanedClaim(id: IdempotencyId, owner: string): void {
    const now = performance.now();
    this.orphanedClaims.delete(owner); // to the end of the order
    this.orphanedClaims.set(owner, { id, expiresAt: now + this.maxClaimMs });
    for (const [oldest, { expiresAt }] of this.orphanedClaims) {
      if (expiresAt > now && this.orphanedClaims.size <= MAX_ORPHANED_CLAIMS) break;
      this.orphanedClaims.delete(oldest);
    }
  }

  private releaseOrphanedClaims(): void {
    const claims = [...this.orphanedClaims];
    this.orphanedClaims.clear();
    for (const [owner, { id, expiresAt }] of claims) {
      if (performance.now() >= expiresAt) continue;
      this.release(id, owner).catch((error: unknown) => {
        this.logger.error(error);
      });
    }
  }

  /** Logs once, because there may be many after a change of format. */
  private logDamage(): void {
    if (this.isDamageLogged) return;
    this.isDamageLogged = true;
    this.logger.warn(
      'a damaged or forged response in Redis was deleted; the ledger has the response; not logged again',
    );
  }
}

/** The hash tag is the team, so that Redis Cluster stores all keys of a team in one slot. */
function redisKey(id: IdempotencyId): string {
  return `prism:{${id.teamId}}:idempotency:${id.clientId}:${id.keyHash.toString('base64url')}`;
}

function leaseMs(remainingMs: number): number {
  return Math.max(1, Math.floor(Math.min(LEASE_MS, remainingMs)));
}

/** `Retry-After`: the time that the other attempt has run, up to its lease, which expires if its gateway has failed. In seconds. */
function retryAfterSeconds(runningMs: number): number {
  return Math.ceil(Math.min(Math.max(runningMs, 1), LEASE_MS) / 1_000);
}

function readResponse(owner: Buffer, packed: Buffer): Claim | { state: 'damaged'; owner: string } {
  const response = unpackResponse(packed);
  return response === undefined
    ? { state: 'damaged', owner: owner.toString() }
    : { state: 'cached', response, owner: owner.toString() };
}
