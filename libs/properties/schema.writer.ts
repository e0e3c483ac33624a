import { Inject, Injectable } from '@nestjs/common';
import { Settings } from '#libs/config';
import {
  type Cancellation,
  type CheckoutOptions,
  Database,
  type DatabaseClient,
  type DatabaseMeter,
} from '#libs/database';
import { RequestError } from '#libs/errors';
import { type LedgerKey, SingleWriteLedger } from '#libs/idempotency';
import type { Deadline } from '#libs/limits';
import type { Span } from '#libs/telemetry';
import { canCreate, type PlannedOption } from './missing.options';
import type { PropertyDefinition } from './property-definition';
import { type TeamRowsText, teamRowsOf } from './property-definition.repository';
import { PropertyDefinitionService } from './property-definition.service';
import type { Deletion, SchemaChange } from './schema.change';
import { SchemaPlanner } from './schema.planner';
import { SchemaRepository, type SchemaTarget } from './schema.repository';
import { TeamProperties } from './team.properties';
import type { TeamUsage } from './team.usage';

/** How a change of definitions is executed. */
interface SchemaWriteOptions {
  readonly deadline: Deadline;
  readonly key?: LedgerKey | undefined;
  readonly cancellation?: Cancellation | undefined;
  readonly meter?: DatabaseMeter | undefined;
  readonly span?: Span | undefined;
  /** Runs a synchronous section and attributes its CPU time to the client. */
  readonly measure: <T>(section: () => T) => T;
}

/** The outcome of a change, as the response entry that the ledger and receipts have. */
type SchemaEntry =
  | { readonly id: string; readonly status: 'ok'; readonly result: unknown }
  | {
      readonly id: null;
      readonly status: 'error';
      readonly error: { readonly code: 'not_found' | 'conflict'; readonly message: string; readonly retryable: false };
    };

export interface WrittenSchema {
  readonly entry: SchemaEntry;
  /** The entry is of an earlier attempt: nothing was executed. */
  readonly replayed: boolean;
  /** The request id of the attempt that executed it. */
  readonly completedBy: string | undefined;
}

type Decide = (planner: SchemaPlanner) => SchemaChange;

/**
 * Changes the property definitions of a team: one change at a time, each in one transaction with its outcome in the ledger. This
 * process sees a change at once, other replicas within 5 s.
 */
@Injectable()
export class SchemaWriter {
  constructor(
    @Inject(Database) private readonly database: Database,
    @Inject(SchemaRepository) private readonly schema: SchemaRepository,
    @Inject(SingleWriteLedger) private readonly ledger: SingleWriteLedger,
    @Inject(PropertyDefinitionService) private readonly properties: PropertyDefinitionService,
    @Inject(Settings) private readonly settings: Settings,
  ) {}

  /**
   * @param decide on the current definitions; what it throws undoes the claim of the key
   * @throws RequestError what `decide` throws; `idempotency_key_mismatch`, `idempotency_key_stale`, `idempotency_key_in_use`
   * @throws DatabaseUnavailable, including when another change of the team takes longer than `LOCK_TIMEOUT_MS`. The change may have
   *   been applied: a retry with the key returns its outcome
   */
  async write(target: SchemaTarget, options: SchemaWriteOptions, decide: Decide): Promise<WrittenSchema> {
    const { deadline } = options;
    const lockMs = this.lockMs(deadline);
    try {
      const written = await this.database.withClient(
        async (client) => {
          await this.schema.begin(client, target.teamId, lockMs);
          const result = await this.execute(client, target, options, decide);
          await client.query(result instanceof RequestError ? 'ROLLBACK' : 'COMMIT');
          return result;
        },
        { ...checkoutOf(options), teamId: target.teamId },
      );
      // Thrown after the connection has returned to the pool: an invalid request must not close it.
      if (written instanceof RequestError) throw written;
      return written;
    } finally {
      this.properties.forget(target.teamId);
    }
  }

  /**
   * Creates options in the transaction of its caller, which calls `PropertyDefinitionService.forget` when it has ended.
   *
   * @returns false, after creating none, if they no longer fit the definitions: another request has changed these
   */
  async addOptions(
    client: DatabaseClient,
    target: SchemaTarget,
    planned: readonly PlannedOption[],
    { measure }: Pick<SchemaWriteOptions, 'measure'>,
  ): Promise<boolean> {
    const text = await this.schema.lock(client, target);
    const fits = measure(() => {
      const { definitions, usage } = this.current(target, text);
      return canCreate(planned, definitions, usage);
    });
    if (!fits) return false;
    await this.schema.insertOptions(client, target, planned);
    return true;
  }

  /** Like {@link addOptions}, in a transaction of its own. @throws DatabaseUnavailable */
  async addOptionsInTransaction(
    target: SchemaTarget,
    planned: readonly PlannedOption[],
    options: SchemaWriteOptions,
  ): Promise<boolean> {
    const lockMs = this.lockMs(options.deadline);
    try {
      return await this.database.withClient(
        async (client) => {
          await this.schema.begin(client, target.teamId, lockMs);
          const added = await this.addOptions(client, target, planned, options);
          await client.query(added ? 'COMMIT' : 'ROLLBACK');
          return added;
        },
        { ...checkoutOf(options), teamId: target.teamId },
      );
    } finally {
      this.properties.forget(target.teamId);
    }
  }

  /**
   * Whether a record, live or deleted, has a value of what is to be deleted. A value that is written in the next 5 s is not seen.
   *
   * @throws RequestError `unavailable` if the check does not finish within `QUERY_TIMEOUT_MS`
   */
  async isUsed(target: SchemaTarget, deletion: Deletion, options: SchemaWriteOptions): Promise<boolean> {
    const leftMs = options.deadline.msLeft('execute');
    const budgetMs = Math.max(1, Math.floor(Math.min(this.settings.queryTimeoutMs, leftMs)));
    const used = await this.schema.isUsed(target, deletion, budgetMs, checkoutOf(options));
    if (used !== undefined) return used;
    const message = `The check whether records use the property did not finish within ${budgetMs} ms. Nothing was deleted. Send the request again with more time, or raise QUERY_TIMEOUT_MS.`;
    throw new RequestError('unavailable', message);
  }

  private lockMs(deadline: Deadline): number {
    return Math.max(1, Math.floor(Math.min(this.settings.lockTimeoutMs, deadline.msLeft('execute'))));
  }

  /** The definitions of the object type, and what the team has defined, as they are while they are locked. */
  private current(
    { objectType }: SchemaTarget,
    text: TeamRowsText | undefined,
  ): { definitions: readonly PropertyDefinition[]; usage: TeamUsage } {
    const rows = teamRowsOf(text);
    if (rows === undefined) throw new Error('the definitions of the team were not read');
    const properties = new TeamProperties(rows, this.settings.unknownProperties);
    return { definitions: properties.definitionsOf(objectType), usage: rows.usage };
  }

  /** @returns a RequestError to roll back */
  private async execute(
    client: DatabaseClient,
    target: SchemaTarget,
    { key, measure }: SchemaWriteOptions,
    decide: Decide,
  ): Promise<WrittenSchema | RequestError> {
    try {
      const stored = key && (await this.ledger.claim(client, target.teamId, key));
      if (stored !== undefined) {
        const entry = JSON.parse(stored.entry) as SchemaEntry; // written below; the fingerprint has method and path
        return { entry, replayed: true, completedBy: stored.completedBy };
      }
      const text = await this.schema.lock(client, target);
      const change = measure(() => {
        const { definitions, usage } = this.current(target, text);
        return decide(new SchemaPlanner(target.objectType, definitions, usage));
      });
      if (change.status === 'ok' && change.write) await this.schema.write(client, target, change.write);
      const entry = entryOf(change);
      if (key) await this.ledger.complete(client, target.teamId, key, storedOutcome(entry));
      return { entry, replayed: false, completedBy: key?.requestId };
    } catch (error) {
      if (error instanceof RequestError) return error;
      throw error;
    }
  }
}

function entryOf(change: SchemaChange): SchemaEntry {
  if (change.status === 'ok') return { id: change.id, status: 'ok', result: change.result };
  const { code, message } = change;
  return { id: null, status: 'error', error: { code, message, retryable: false } };
}

function storedOutcome(entry: SchemaEntry): { entry: string; code: string | undefined } {
  return { entry: JSON.stringify(entry), code: entry.status === 'error' ? entry.error.code : undefined };
}

function checkoutOf({ deadline, cancellation, meter, span }: SchemaWriteOptions): CheckoutOptions {
  return { timeoutMs: deadline.msLeft('commit'), cancellation, meter, span };
}
