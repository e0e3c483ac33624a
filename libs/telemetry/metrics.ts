import { AdmissionMetrics } from './admission.metrics';
import { ClientMetrics } from './client.metrics';
import { Exemplars, type TracePosition } from './exemplars';
import {
  AUTH_FAILURES,
  AUTH_THROTTLES,
  type AuthThrottle,
  AuthFailureReason,
  BATCH_OPERATIONS,
  BATCH_RESULTS,
  BatchOperation,
  BatchMetricResult,
  IDEMPOTENCY_RESULTS,
  IdempotencyMetricResult,
  ITEM_CODES,
  ITEM_OUTCOMES,
  ItemCode,
  ItemOutcome,
  methodLabel,
  METHODS,
  MetricObjectType,
  MetricOperation,
  OBJECT_TYPES,
  OPERATIONS,
  SERVER_ERROR_CODES,
  REDIS_ERRORS,
  RedisErrorKind,
  SPAN_LOSSES,
  SpanLoss,
} from './metric.labels';
import { ProcessMetrics } from './process.metrics';
import { RateMetrics } from './rate.metrics';

const ITEM_SECONDS = [
  0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5,
];
const REQUEST_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
const BATCH_SIZES = [1, 2, 5, 10, 25, 50, 75, 100];
const UNMATCHED = 'unmatched';
/** More than most installations have; `METRICS_MAX_CLIENTS` sets it. */
const CLIENTS = 100;

/** What a gateway measures. */
export class Metrics extends ProcessMetrics {
  private readonly items = this.instruments.counter(
    'prism_batch_items_total',
    'Items answered, by what became of them. `code` is the item error code, or `none`. `canceled`: the caller hung up before the item was begun.',
    { operation: OPERATIONS, object_type: OBJECT_TYPES, outcome: ITEM_OUTCOMES, code: ITEM_CODES },
  );
  private readonly itemSeconds = this.instruments.batchHistogram(
    'prism_batch_item_duration_seconds',
    "How long each item's transaction took in the database.",
    { operation: OPERATIONS, outcome: ITEM_OUTCOMES },
    ITEM_SECONDS,
  );
  private readonly batches = this.instruments.counter(
    'prism_batches_total',
    'Batches answered, by whether all, some or none of their items succeeded.',
    { operation: BATCH_OPERATIONS, result: BATCH_RESULTS },
  );
  private readonly batchSeconds = this.instruments.histogram(
    'prism_batch_duration_seconds',
    'How long a batch took, from its plan to its results.',
    { operation: BATCH_OPERATIONS },
    REQUEST_SECONDS,
  );
  private readonly batchItems = this.instruments.histogram(
    'prism_batch_size_items',
    'How many items a batch had.',
    { operation: BATCH_OPERATIONS },
    BATCH_SIZES,
  );
  private readonly requests = this.instruments.counter(
    'prism_http_requests_total',
    'HTTP requests answered; with status 499, those whose caller hung up before.',
    {
      method: METHODS,
      route: `the route's pattern, or \`${UNMATCHED}\``,
      status: 'the status code',
    },
  );
  private readonly requestSeconds = this.instruments.histogram(
    'prism_http_request_duration_seconds',
    'How long an HTTP request took, from its headers to the end of its answer.',
    { method: METHODS, route: `the route's pattern, or \`${UNMATCHED}\`` },
    REQUEST_SECONDS,
  );
  private readonly idempotency = this.instruments.counter(
    'prism_idempotency_requests_total',
    'Requests with an Idempotency-Key, by how they were answered.',
    { result: IDEMPOTENCY_RESULTS },
  );
  private readonly claims = this.instruments.gauge(
    'prism_idempotency_claims_in_flight',
    'Requests with an Idempotency-Key that are being executed, each with its claim.',
    {},
  );
  private readonly authFailures = this.instruments.counter(
    'prism_auth_failures_total',
    'Requests refused with 401 or 403, by what was wrong with their key.',
    { reason: AUTH_FAILURES },
  );
  private readonly authThrottled = this.instruments.counter(
    'prism_auth_throttled_total',
    'Requests refused before their API key was looked up: their address had sent too many invalid keys (429), or too many unknown keys were being looked up (503).',
    { reason: AUTH_THROTTLES },
  );
  private readonly redisUp = this.instruments.gauge(
    'prism_redis_up',
    '1 while Redis answers, 0 while it does not; absent where `REDIS_URL` is unset.',
    {},
  );
  private readonly redisErrors = this.instruments.counter(
    'prism_redis_errors_total',
    'Calls that went on without Redis, by what was wrong with it.',
    { kind: REDIS_ERRORS },
  );

  private readonly lostSpans = this.instruments.counter(
    'prism_trace_spans_lost_total',
    'Spans of traces that did not reach the collector: too many were waiting for it, or it did not take them.',
    { reason: SPAN_LOSSES },
  );

  readonly admission = new AdmissionMetrics(this.instruments);
  readonly rates = new RateMetrics(this.instruments);
  private readonly clients: ClientMetrics;

  /** @param clients how many clients, by name, are told apart */
  constructor(clients = CLIENTS) {
    super();
    this.clients = new ClientMetrics(this.instruments, clients);
    this.redisUp.remove();
    this.startAtZero();
  }

  /**
   * Adds `n` items at once: sum up a batch by outcome and code, then call this once for each sum.
   * @param client the name of who called
   */
  countItems(
    client: string,
    operation: MetricOperation,
    objectType: MetricObjectType,
    outcome: ItemOutcome,
    code: ItemCode,
    n: number,
  ): void {
    this.items.inc({ operation, object_type: objectType, outcome, code }, n);
    this.clients.countItems(client, outcome, code, n);
  }

  /** @param seconds how long the transaction of each took in the database */
  observeItems(operation: MetricOperation, outcome: ItemOutcome, seconds: readonly number[]): void {
    this.itemSeconds.observe({ operation, outcome }, seconds);
  }

  observeBatch(operation: BatchOperation, result: BatchMetricResult, items: number, seconds: number): void {
    this.batches.inc({ operation, result });
    this.batchItems.observe({ operation }, items);
    this.batchSeconds.observe({ operation }, seconds);
  }

  /** Starts at 0 what would be a fault of ours on this route: else the first ones, before a scrape, would show in no rate. */
  expectRequests(method: string, route: string): void {
    const labels = { method: methodLabel(method), route };
    for (const status of [500, 503]) this.requests.inc({ ...labels, status }, 0);
    this.requestSeconds.zero(labels);
  }

  /**
   * @param route the pattern of the route, never the path; undefined where none matched
   * @param client the name of who called; undefined where nobody knows
   * @param trace that shows this request; undefined where none does
   */
  countRequest(
    method: string,
    route: string | undefined,
    status: number,
    seconds: number,
    client?: string,
    trace?: TracePosition,
  ): void {
    const labels = { method: methodLabel(method), route: route ?? UNMATCHED };
    this.requests.inc({ ...labels, status });
    this.requestSeconds.observe(labels, seconds);
    if (trace !== undefined) this.exemplars?.cacheable(labels, seconds, trace);
    if (client !== undefined) this.clients.countRequest(client, status, seconds);
  }

  countIdempotency(result: IdempotencyMetricResult): void {
    this.idempotency.inc({ result });
  }

  /** Counts a claim that a request takes (1) or gives back (-1). */
  addClaims(n: 1 | -1): void {
    this.claims.inc(n);
  }

  countAuthFailure(reason: AuthFailureReason): void {
    this.authFailures.inc({ reason });
  }

  countAuthThrottled(reason: AuthThrottle): void {
    this.authThrottled.inc({ reason });
  }

  countRedisError(kind: RedisErrorKind): void {
    this.redisErrors.inc({ kind });
  }

  countLostSpans(reason: SpanLoss, spans: number): void {
    this.lostSpans.inc({ reason }, spans);
  }

  /** From here on, requests whose trace is known are exemplars of the time that requests take. */
  enableExemplars(): void {
    this.exemplars = new Exemplars('prism_http_request_duration_seconds', REQUEST_SECONDS);
  }

  setRedisUp(up: boolean): void {
    this.redisUp.set(up ? 1 : 0);
  }

  /**
   * A counter that appears with its first event hides that event from `rate()`. What is likely to be watched starts at 0;
   * rarer sets (a replayed error, an error of a single write) appear when they are first seen.
   */
  private startAtZero(): void {
    for (const operation of OPERATIONS) {
      for (const object_type of OBJECT_TYPES) {
        for (const [outcome, code] of startingOutcomes(operation)) {
          this.items.inc({ operation, object_type, outcome, code }, 0);
        }
      }
      for (const outcome of ['ok', 'error'] as const) this.itemSeconds.zero({ operation, outcome });
    }
    for (const operation of BATCH_OPERATIONS) {
      for (const result of BATCH_RESULTS) this.batches.inc({ operation, result }, 0);
      this.batchSeconds.zero({ operation });
      this.batchItems.zero({ operation });
    }
    for (const result of IDEMPOTENCY_RESULTS) this.idempotency.inc({ result }, 0);
    for (const reason of AUTH_FAILURES) this.authFailures.inc({ reason }, 0);
    for (const reason of AUTH_THROTTLES) this.authThrottled.inc({ reason }, 0);
    for (const kind of REDIS_ERRORS) this.redisErrors.inc({ kind }, 0);
    for (const reason of SPAN_LOSSES) this.lostSpans.inc({ reason }, 0);
  }
}

function startingOutcomes(operation: MetricOperation): [ItemOutcome, ItemCode][] {
  const ok: [ItemOutcome, ItemCode] = ['ok', 'none'];
  const failed = (code: ItemCode): [ItemOutcome, ItemCode] => ['error', code];
  if (operation === 'create' || operation === 'patch') return [ok, ...SERVER_ERROR_CODES.map(failed)];
  return [
    ok,
    ['stopped', 'not_attempted'],
    ['replayed', 'none'],
    ['dry_run', 'none'],
    ['canceled', 'not_attempted'],
    ...ITEM_CODES.filter((code) => code !== 'none').map(failed),
  ];
}
