import { Injectable } from '@nestjs/common';
import type { DatabaseMeter } from '#libs/database';
import { RequestError } from '#libs/errors';
import type { Deadline } from '#libs/limits';
import type { Span } from '#libs/telemetry';
import type { CachedResponse } from './cached-response';
import { type Claim, ClaimStore } from './claim.store';
import { Fingerprint, type FingerprintInput } from './fingerprint';
import { hashKey, type IdempotencyId, parseIdempotencyKey } from './idempotency-key';
import { IdempotencyMetrics } from './idempotency.metrics';
import { LedgerRepository } from './ledger.repository';

/** A request that writes, with or without an `Idempotency-Key`. */
export interface IdempotentRequest extends FingerprintInput {
  /** Keys are unique within a client. */
  readonly client: { readonly teamId: string; readonly clientId: string };
  readonly requestId: string;
  /** Each occurrence of the `Idempotency-Key` header; undefined without it. */
  readonly keyHeader: readonly string[] | undefined;
  readonly deadline: Deadline;
  readonly meter?: DatabaseMeter | undefined;
  readonly span?: Span | undefined;
  /** Runs a computation on the body step by step. @param step returns whether there is more */
  compute(stage: 'fingerprint', step: () => boolean): Promise<void>;
}

/** The key of a request whose items are each applied exactly once, as the ledger stores it. */
export interface LedgerKey {
  readonly clientId: string;
  /** SHA-256 of the Idempotency-Key. */
  readonly keyHash: Buffer;
  /** SHA-256 of the request. A key must not be used for another request. */
  readonly fingerprint: Buffer;
  readonly requestId: string;
  /** By default `IDEMPOTENCY_TTL_SECONDS`. Retention keeps the request for at least 7 days. */
  readonly lifetimeSeconds?: number;
}

/** The response of a request that writes, as text, and how it was produced. */
export interface WriteResponse {
  readonly status: number;
  /** Names in lower case. `content-type` is added. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /**
   * The body that replays send: without `replayed` marks on its items. Undefined if the request is not complete, so that a
   * retry resumes it.
   */
  readonly cacheable?: { readonly body: string } | undefined;
  /** The whole response was taken from the cache or the ledger: nothing was executed. */
  readonly replayed: boolean;
  /** Some items were taken from the ledger, the others were executed. */
  readonly resumed: boolean;
}

/**
 * Executes a write and returns its response. The write itself writes the ledger, in the transactions of its items.
 *
 * @param key undefined if the request has no key, or does not consume it
 */
export type Write = (key: LedgerKey | undefined) => Promise<WriteResponse> | WriteResponse;

/** One request with a key. */
interface KeyedRequest {
  readonly id: IdempotencyId;
  readonly fingerprint: Buffer;
  readonly request: IdempotentRequest;
}

/** How a request with a key proceeds. `owner`: of the claim in Redis; undefined if there is certainly no claim. */
type Decision = { state: 'replay'; response: CachedResponse } | { state: 'execute'; owner: string | undefined };

/** Gives all attempts at a request with an `Idempotency-Key` the same response. Redis is the fast path; the ledger is authoritative. */
@Injectable()
export class IdempotencyService {
  constructor(
    private readonly claims: ClaimStore,
    private readonly ledger: LedgerRepository,
    private readonly metrics: IdempotencyMetrics,
  ) {}

  /**
   * Executes a write, or returns the response of an earlier attempt at it.
   *
   * @param write also validates the body, so that a mismatch is reported before an invalid body
   * @throws RequestError what `write` throws; `invalid_request` for a malformed key; `idempotency_key_mismatch`,
   *   `idempotency_key_stale`, `idempotency_key_in_use`
   * @throws DatabaseUnavailable if a response is cached but Postgres cannot confirm it
   */
  async run(request: IdempotentRequest, write: Write): Promise<WriteResponse> {
    const key = parseIdempotencyKey(request.keyHeader);
    if (key === undefined || isDryRun(request.body)) return write(undefined);
    const keyed = await keyedRequest(request, key);

    const decision = await this.decide(keyed, await this.claim(keyed));
    if (decision.state === 'replay') return { ...decision.response, replayed: true, resumed: false };

    let cacheable: CachedResponse | undefined;
    this.metrics.addClaims(1);
    try {
      const response = await write(ledgerKey(keyed));
      this.metrics.countIdempotency(response.replayed ? 'replayed_ledger' : response.resumed ? 'resumed' : 'executed');
      const { status, headers } = response;
      cacheable = response.cacheable && { status, headers, body: response.cacheable.body };
      return response;
    } catch (error) {
      this.countLedgerRejection(error);
      throw error;
    } finally {
      // Before the response is sent, because a retry may arrive immediately after it.
      await this.endClaim(keyed, decision.owner, cacheable);
    }
  }

  /** @param discard the owner of a cached response that must not be used */
  private claim({ id, fingerprint, request }: KeyedRequest, discard?: string): Promise<Claim> {
    return this.claims.claim(id, fingerprint, request.deadline.msLeft(), discard, request.span);
  }

  private async decide(keyed: KeyedRequest, claim: Claim): Promise<Decision> {
    switch (claim.state) {
      case 'cached': {
        if (await this.isComplete(keyed)) return { state: 'replay', response: claim.response };
        const next = await this.claim(keyed, claim.owner);
        // Another attempt finished after the lookup of this one. Now the ledger has the response.
        if (next.state === 'cached') return { state: 'execute', owner: undefined };
        return this.decide(keyed, next);
      }
      case 'mismatch':
        this.metrics.countIdempotency('mismatch');
        throw new RequestError('idempotency_key_mismatch');
      case 'in_flight':
        this.metrics.countIdempotency('in_use');
        throw new RequestError('idempotency_key_in_use', undefined, {
          retryAfterSeconds: claim.retryAfterSeconds,
        });
      case 'new':
      case 'unavailable':
        return { state: 'execute', owner: claim.owner };
    }
  }

  /** Postgres may have been restored to a time before the cached response, which then must not be replayed. */
  private async isComplete({ id, fingerprint, request }: KeyedRequest): Promise<boolean> {
    const { deadline, meter, span } = request;
    const state = await this.ledger.stateOf(id, fingerprint, { timeoutMs: deadline.msLeft('commit'), meter, span });
    if (state === 'stale') {
      this.metrics.countIdempotency('stale');
      throw new RequestError('idempotency_key_stale');
    }
    if (state === 'complete') this.metrics.countIdempotency('replayed_cache');
    return state === 'complete';
  }

  /** The ledger rejects a key if Redis is unavailable or no longer has the key. */
  private countLedgerRejection(error: unknown): void {
    if (!(error instanceof RequestError)) return;
    if (error.code === 'idempotency_key_mismatch') this.metrics.countIdempotency('mismatch');
    if (error.code === 'idempotency_key_stale') this.metrics.countIdempotency('stale');
    if (error.code === 'idempotency_key_in_use') this.metrics.countIdempotency('in_use');
  }

  /** Caches the response of a complete request. Without one, releases the claim, so that a retry can run at once. */
  private async endClaim(
    { id, request }: KeyedRequest,
    owner: string | undefined,
    response: CachedResponse | undefined,
  ): Promise<void> {
    try {
      if (owner === undefined) return;
      if (response === undefined) await this.claims.release(id, owner, request.span);
      else await this.claims.storeResponse(id, owner, response, request.span);
    } finally {
      this.metrics.addClaims(-1);
    }
  }
}

async function keyedRequest(request: IdempotentRequest, key: string): Promise<KeyedRequest> {
  const fingerprint = new Fingerprint(request);
  await request.compute('fingerprint', () => fingerprint.advance());
  return { id: { ...request.client, keyHash: hashKey(key) }, fingerprint: fingerprint.digest(), request };
}

function ledgerKey({ id, fingerprint, request }: KeyedRequest): LedgerKey {
  return { clientId: id.clientId, keyHash: id.keyHash, fingerprint, requestId: request.requestId };
}

/** A dry run changes nothing, so it needs no key. */
function isDryRun(body: unknown): boolean {
  // The body is not validated yet.
  const options = (body as { options?: { dry_run?: unknown } | null } | null | undefined)?.options;
  return options?.dry_run === true;
}
