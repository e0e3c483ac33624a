import { Injectable } from '@nestjs/common';
import type { DatabaseMeter } from '#libs/database';
import { RequestError } from '#libs/errors';
import type { Span } from '#libs/telemetry';
import type { WriteResponse } from './write.response';
import type { CachedResponse } from './cached-response';
import { type Claim, ClaimStore } from './claim.store';
import type { IdempotencyId } from './idempotency-id';
import { IdempotencyMetrics } from './idempotency.metrics';
import { LedgerLookup } from './ledger.repository';

/** One request with a key, as it came. */
export interface KeyedRequest {
  readonly id: IdempotencyId;
  readonly fingerprint: Buffer;
  /** On the clock of `performance.now()`: when the answer must have left. */
  readonly deadline: number;
  readonly meter?: DatabaseMeter | undefined;
  readonly span?: Span | undefined;
}

/** One attempt at a request. Exactly one of `finish` and `abandon` ends it. */
interface Attempt {
  readonly id: IdempotencyId;
  /** Of its claim in Redis; undefined if it surely has none. */
  readonly owner: string | undefined;
  readonly span: Span | undefined;
}

/** Either there is a response already, or this attempt makes it. */
type ClaimResult = { state: 'replay'; response: CachedResponse } | { state: 'execute'; attempt: Attempt };

/** Decides what happens to a request with a key. Whatever Redis does, the ledger still lets each item happen once. */
@Injectable()
export class IdempotencyService {
  constructor(
    private readonly claims: ClaimStore,
    private readonly ledger: LedgerLookup,
    private readonly metrics: IdempotencyMetrics,
  ) {}

  /**
   * @throws {RequestError} `idempotency_key_mismatch`, `idempotency_key_stale` or `idempotency_key_in_use`, and
   *   `unavailable` if a response is cached but Postgres cannot confirm it
   */
  async begin(request: KeyedRequest): Promise<ClaimResult> {
    const claim = await this.claims.claim(request.id, request.fingerprint, remainingMs(request), '', request.span);
    return claim.state === 'cached' ? this.confirm(request, claim) : this.execute(request, claim);
  }

  /** Call it before the response is sent: the next retry may come at once. */
  async finish(attempt: Attempt, response: WriteResponse): Promise<void> {
    this.metrics.countIdempotency(response.replayed ? 'replayed_ledger' : response.resumed ? 'resumed' : 'executed');
    const { status, headers, cacheable: keep } = response;
    await this.end(attempt, keep && { status, headers, body: keep.body });
  }

  /** Call it with what the handler threw: a request that was refused or failed holds no key. */
  async fail(attempt: Attempt, error: unknown): Promise<void> {
    if (error instanceof RequestError) {
      // Found by the ledger: Redis is unavailable, or no longer has the key.
      if (error.code === 'idempotency_key_mismatch') this.metrics.countIdempotency('mismatch');
      if (error.code === 'idempotency_key_stale') this.metrics.countIdempotency('stale');
    }
    await this.end(attempt, undefined);
  }

  private async end({ id, owner, span }: Attempt, response: CachedResponse | undefined): Promise<void> {
    try {
      if (owner === undefined) return;
      if (response === undefined) await this.claims.release(id, owner, span);
      else await this.claims.storeResponse(id, owner, response, span);
    } finally {
      this.metrics.addClaims(-1);
    }
  }

  /** Postgres may have been restored to a time before the cached response: then it must not be replayed. */
  private async confirm(request: KeyedRequest, claim: Claim & { state: 'cached' }): Promise<ClaimResult> {
    const options = { timeoutMs: remainingMs(request), meter: request.meter, span: request.span };
    switch (await this.ledger.stateOf(request.id, request.fingerprint, options)) {
      case 'complete':
        this.metrics.countIdempotency('replayed_cache');
        return { state: 'replay', response: claim.response };
      case 'stale':
        this.metrics.countIdempotency('stale');
        throw new RequestError('idempotency_key_stale');
      case 'missing':
        return this.execute(
          request,
          await this.claims.claim(request.id, request.fingerprint, remainingMs(request), claim.owner, request.span),
        );
    }
  }

  private execute(request: KeyedRequest, claim: Claim): ClaimResult {
    switch (claim.state) {
      case 'mismatch':
        this.metrics.countIdempotency('mismatch');
        throw new RequestError('idempotency_key_mismatch');
      case 'in_flight':
        this.metrics.countIdempotency('in_use');
        throw new RequestError('idempotency_key_in_use', undefined, {
          headers: { 'retry-after': String(claim.retryAfterSeconds) },
        });
      case 'new':
      case 'unavailable':
        return this.attempt(request, claim.owner);
      case 'cached':
        // Another attempt finished just after this one found the ledger empty: now the ledger has the response.
        return this.attempt(request, undefined);
    }
  }

  private attempt({ id, span }: KeyedRequest, owner: string | undefined): ClaimResult {
    this.metrics.addClaims(1);
    return { state: 'execute', attempt: { id, owner, span } };
  }
}

/** Milliseconds. */
function remainingMs(request: KeyedRequest): number {
  return request.deadline - performance.now();
}
