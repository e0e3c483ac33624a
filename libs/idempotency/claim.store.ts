import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { Injectable, Logger } from '@nestjs/common';
import { Settings } from '#libs/config';
import { Redis, type RedisScript } from '#libs/redis';
import type { Span } from '#libs/telemetry';
import type { IdempotencyId } from './idempotency-id';
import { type KeptAnswer, packAnswer, unpackAnswer } from './kept-answer';

const MAX_RETRY_AFTER_SECONDS = 60;

/**
 * What Redis says to a request with a key, or that it is `away`. Then too there may be a claim, if the call was sent:
 * only then it has an owner.
 */
export type Claim =
  | { state: 'new'; owner: string }
  | { state: 'away'; owner: string | undefined }
  | { state: 'in_flight'; retryAfterSeconds: number }
  | { state: 'answer'; answer: KeptAnswer; owner: string }
  | { state: 'mismatch' };

/**
 * The claims and finished answers in Redis: the fast path, never the proof of anything. No method rejects or waits longer
 * than Redis' time budget.
 */
@Injectable()
export class ClaimStore {
  private readonly logger = new Logger(ClaimStore.name);
  private readonly claimScript: RedisScript;
  private readonly keepScript: RedisScript;
  private readonly releaseScript: RedisScript;
  private readonly keepMs: number;
  private readonly longestClaimMs: number;
  /** By owner: claims that had to be given up while Redis was away, and when they end by themselves. */
  private readonly leftBehind = new Map<string, { id: IdempotencyId; until: number }>();
  private damageLogged = false;

  constructor(redis: Redis, settings: Settings) {
    this.claimScript = redis.script(join(__dirname, 'claim-1.lua'));
    this.keepScript = redis.script(join(__dirname, 'keep-1.lua'));
    this.releaseScript = redis.script(join(__dirname, 'release-1.lua'));
    this.keepMs = 1_000 * Math.min(settings.idempotencyCacheSeconds, settings.idempotencyTtlSeconds);
    this.longestClaimMs = settings.requestTimeoutMs;
    redis.onUp(() => {
      this.releaseLeftBehind();
    });
  }

  /**
   * Claims the key for one attempt.
   * @param ttlMs when the claim ends by itself: what is left of the request's deadline
   * @param discard the owner of a kept answer that is not to be used; it is deleted
   */
  async claim(id: IdempotencyId, fingerprint: Buffer, ttlMs: number, discard = '', span?: Span): Promise<Claim> {
    const claim = await this.tryClaim(id, fingerprint, ttlMs, discard, span);
    if (claim.state !== 'damaged') return claim;
    this.logDamage();
    const second = await this.tryClaim(id, fingerprint, ttlMs, claim.owner, span);
    return second.state === 'damaged' ? { state: 'away', owner: undefined } : second;
  }

  /**
   * Keeps the answer of a finished request for its retries.
   * @returns false if this attempt no longer holds the claim, the answer is too long to keep, or Redis is away
   */
  async keep(id: IdempotencyId, owner: string, answer: KeptAnswer, span?: Span): Promise<boolean> {
    const packed = packAnswer(answer);
    if (packed === undefined) {
      await this.release(id, owner, span);
      return false;
    }
    const reply = await this.keepScript([redisKey(id)], [owner, packed, this.keepMs], span);
    if (!reply.ok) this.leaveBehind(id, owner);
    return reply.ok && reply.value === 1;
  }

  /**
   * Gives up a claim that leaves no answer: if Redis is away, as soon as it is back.
   * @returns false if this attempt no longer holds the claim, or Redis is away
   */
  async release(id: IdempotencyId, owner: string, span?: Span): Promise<boolean> {
    const reply = await this.releaseScript([redisKey(id)], [owner], span);
    if (!reply.ok) this.leaveBehind(id, owner);
    return reply.ok && reply.value === 1;
  }

  private async tryClaim(
    id: IdempotencyId,
    fingerprint: Buffer,
    ttlMs: number,
    discard: string,
    span: Span | undefined,
  ): Promise<Claim | { state: 'damaged'; owner: string }> {
    const owner = randomUUID();
    const ttl = Math.max(1, Math.floor(ttlMs));
    const reply = await this.claimScript([redisKey(id)], [fingerprint, owner, ttl, discard], span);
    if (!reply.ok) return { state: 'away', owner: reply.sent ? owner : undefined };
    // The shapes that claim-1.lua documents.
    const [state, first, second] = reply.value as [Buffer, unknown, unknown];
    switch (state.toString()) {
      case 'new':
        return { state: 'new', owner };
      case 'mismatch':
        return { state: 'mismatch' };
      case 'in_flight':
        return { state: 'in_flight', retryAfterSeconds: retryAfter(first as number, second as number) };
      default:
        return readAnswer(first as Buffer, second as Buffer);
    }
  }

  /**
   * A Redis that hung, or was out of reach, comes back with its claims: retries must not wait for requests that have
   * ended long ago. Only what was in flight when Redis went can be here, for later requests have no claim.
   */
  private leaveBehind(id: IdempotencyId, owner: string): void {
    this.leftBehind.set(owner, { id, until: performance.now() + this.longestClaimMs });
  }

  private releaseLeftBehind(): void {
    const claims = [...this.leftBehind];
    this.leftBehind.clear();
    for (const [owner, { id, until }] of claims) {
      if (performance.now() >= until) continue;
      this.release(id, owner).catch((error: unknown) => {
        this.logger.error(error);
      });
    }
  }

  /** Once: after a change of format there may be many. */
  private logDamage(): void {
    if (this.damageLogged) return;
    this.damageLogged = true;
    this.logger.warn('Redis held an answer that cannot be read: it was deleted, the ledger answers. Not logged again');
  }
}

/** Tagged by team, so that Redis Cluster keeps what belongs to a team together. */
function redisKey(id: IdempotencyId): string {
  return `prism:{${id.teamId}}:idempotency:${id.clientId}:${id.keyHash.toString('base64url')}`;
}

/** Wait as long again as the other attempt has been running, but not beyond the end of its claim. */
function retryAfter(leftMs: number, ttlMs: number): number {
  const seconds = Math.ceil(Math.min(ttlMs - leftMs, leftMs) / 1_000);
  return Math.min(Math.max(seconds, 1), MAX_RETRY_AFTER_SECONDS);
}

function readAnswer(owner: Buffer, packed: Buffer): Claim | { state: 'damaged'; owner: string } {
  const answer = unpackAnswer(packed);
  return answer === undefined
    ? { state: 'damaged', owner: owner.toString() }
    : { state: 'answer', answer, owner: owner.toString() };
}
