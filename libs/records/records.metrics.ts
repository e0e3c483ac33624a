import { Injectable } from '@nestjs/common';
import { CLIENT_VALUES, ClientLabel } from '#libs/auth';
import { ITEM_ERRORS, type ItemErrorCode } from '#libs/errors';
import { type ObjectType, OBJECT_TYPES } from '#libs/properties';
import { Instruments } from '#libs/telemetry';
import type { Operation } from './plan';

const BATCH_OPERATIONS = ['update', 'delete', 'batch'] as const satisfies readonly Operation[];
type BatchOperation = (typeof BATCH_OPERATIONS)[number];
const SINGLE_OPERATIONS = ['create', 'patch', 'upsert', 'restore', 'duplicate'] as const satisfies readonly Operation[];
const OPERATIONS = [...BATCH_OPERATIONS, ...SINGLE_OPERATIONS, 'import'] as const satisfies readonly Operation[];

const OUTCOMES = ['ok', 'error', 'stopped', 'canceled', 'replayed', 'dry_run'] as const;
/**
 * `stopped`: not attempted, because `on_error: stop` or `max_failures` ended the batch. `canceled`: the client disconnected, and the
 * item was not started (`not_attempted`) or its outcome is unknown (`unavailable`). Neither is a server error.
 */
export type ItemOutcome = (typeof OUTCOMES)[number];

type ItemCode = ItemErrorCode | 'none';
const ERROR_CODES = Object.keys(ITEM_ERRORS) as ItemErrorCode[]; // the keys of the catalogue
const CODES: readonly ItemCode[] = ['none', ...ERROR_CODES];

/** The codes that are server errors. The service level of items (docs/slo.md) counts them as bad. */
const SERVER_ERROR_CODES = [
  'locked',
  'not_attempted',
  'unavailable',
  'outcome_unknown',
  'internal',
] as const satisfies readonly ItemErrorCode[];

const BATCH_RESULTS = ['all_ok', 'partial', 'all_failed'] as const;
type BatchResult = (typeof BATCH_RESULTS)[number];

const ITEM_SECONDS = [
  0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5,
];
const BATCH_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
const BATCH_SIZES = [1, 2, 5, 10, 25, 50, 75, 100];

/** Metrics of written records: items and batches. */
@Injectable()
export class RecordsMetrics {
  private readonly items;
  private readonly itemSeconds;
  private readonly batches;
  private readonly batchSeconds;
  private readonly batchItems;
  private readonly clientItems;

  constructor(
    instruments: Instruments,
    private readonly clients: ClientLabel,
  ) {
    this.items = instruments.counter(
      'prism_batch_items_total',
      'Items, by outcome. `code` is the item error code, or `none`. `stopped`: `on_error: stop` or `max_failures` ended the batch. `canceled`: the client disconnected, and the item was not started or its outcome is unknown.',
      { operation: OPERATIONS, object_type: OBJECT_TYPES, outcome: OUTCOMES, code: CODES },
    );
    this.itemSeconds = instruments.batchHistogram(
      'prism_batch_item_duration_seconds',
      "Duration of each item's transaction in the database.",
      { operation: OPERATIONS, outcome: OUTCOMES },
      ITEM_SECONDS,
    );
    this.batches = instruments.counter(
      'prism_batches_total',
      'Batches, by whether all, some or none of their items succeeded.',
      { operation: BATCH_OPERATIONS, result: BATCH_RESULTS },
    );
    this.batchSeconds = instruments.histogram(
      'prism_batch_duration_seconds',
      'Duration of a batch, from its plan to its results.',
      { operation: BATCH_OPERATIONS },
      BATCH_SECONDS,
    );
    this.batchItems = instruments.histogram(
      'prism_batch_size_items',
      'Number of items in a batch.',
      { operation: BATCH_OPERATIONS },
      BATCH_SIZES,
    );
    this.clientItems = instruments.counter('prism_client_items_total', 'Items, by client and outcome.', {
      client: CLIENT_VALUES,
      outcome: OUTCOMES,
      code: CODES,
    });
    this.startAtZero();
  }

  /**
   * Counts `n` items that have the same labels. Call it once per label set of a batch, not once per item.
   * @param client the client's name
   */
  countItems(
    client: string,
    operation: Operation,
    objectType: ObjectType,
    outcome: ItemOutcome,
    code: ItemCode,
    n: number,
  ): void {
    this.items.inc({ operation, object_type: objectType, outcome, code }, n);
    this.clientItems.inc({ client: this.clients.of(client), outcome, code }, n);
  }

  /** @param seconds the durations of the items' transactions in the database */
  observeItems(operation: Operation, outcome: ItemOutcome, seconds: readonly number[]): void {
    this.itemSeconds.observe({ operation, outcome }, seconds);
  }

  observeBatch(operation: BatchOperation, result: BatchResult, items: number, seconds: number): void {
    this.batches.inc({ operation, result });
    this.batchItems.observe({ operation }, items);
    this.batchSeconds.observe({ operation }, seconds);
  }

  /**
   * A counter that first appears with its first event hides that event from `rate()`. Label sets that alerts or dashboards
   * watch start at 0; rarer ones (a replayed error, a client error of a single write) appear when they first occur.
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
  }
}

/** Whether the operation is that of a batch. A single delete has the operation `delete` too. */
export function isBatchOperation(operation: Operation): operation is BatchOperation {
  return BATCH_OPERATIONS.some((batch) => batch === operation);
}

function startingOutcomes(operation: Operation): [ItemOutcome, ItemCode][] {
  const ok: [ItemOutcome, ItemCode] = ['ok', 'none'];
  const failed = (code: ItemErrorCode): [ItemOutcome, ItemCode] => ['error', code];
  if (operation === 'import') return []; // prism_import_rows_total starts at 0
  if (!isBatchOperation(operation)) return [ok, ...SERVER_ERROR_CODES.map(failed)];
  return [
    ok,
    ['stopped', 'not_attempted'],
    ['replayed', 'none'],
    ['dry_run', 'none'],
    ['canceled', 'not_attempted'],
    ...ERROR_CODES.map(failed),
  ];
}
