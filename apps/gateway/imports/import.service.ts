import { Inject, Injectable } from '@nestjs/common';
import { v7 as uuidv7 } from 'uuid';
import type { Principal } from '#libs/auth';
import type { CheckoutOptions } from '#libs/database';
import { RequestError } from '#libs/errors';
import type { LedgerKey, WriteResponse } from '#libs/idempotency';
import { executeCharged } from '#libs/limits';
import {
  chunkKey,
  type CreatedImport,
  type ImportItem,
  ImportMetrics,
  ImportRequestRepository,
  jobDoneWithinRequest,
  type NewImport,
  rowResults,
  SpellingResolver,
} from '#libs/imports';
import { type PlannedOption, PropertyDefinitionService, SchemaWriter } from '#libs/properties';
import { DEFAULT_OPTIONS, type Plan, RecordWriter, type WrittenBatch } from '#libs/records';
import { parsePathId } from '../http/path.id';
import type { RecordTarget } from '../http/target.decorator';
import type { WriteCall } from '../http/write.handler';
import { type WriteAttempt, writeResponse } from '../http/write.response';
import type { ImportEnvelope } from './import.envelope';
import { ImportPlanService, type PlannedImport } from './import-plan.service';

/** How often an import is planned while other requests create the same options. Each time, one of the requests succeeds. */
const MAX_PLANS = 10;

/** Imports rows as new records: a few within the request, more as a job of the workers. */
@Injectable()
export class ImportService {
  constructor(
    @Inject(ImportPlanService) private readonly plans: ImportPlanService,
    @Inject(PropertyDefinitionService) private readonly properties: PropertyDefinitionService,
    @Inject(SchemaWriter) private readonly schema: SchemaWriter,
    @Inject(ImportRequestRepository) private readonly imports: ImportRequestRepository,
    @Inject(SpellingResolver) private readonly spellings: SpellingResolver,
    @Inject(RecordWriter) private readonly records: RecordWriter,
    @Inject(ImportMetrics) private readonly metrics: ImportMetrics,
  ) {}

  /** @throws RequestError `invalid_request`; `rate_limited` if the client has too many unfinished jobs */
  async import(
    target: RecordTarget,
    principal: Principal,
    body: ImportEnvelope,
    call: WriteCall,
  ): Promise<WriteResponse> {
    let plan = await this.plans.plan(target, body, call);
    const execute = async (): Promise<WriteResponse> => {
      for (let attempt = 1; attempt <= MAX_PLANS; attempt += 1) {
        const response = await this.execute(target, principal, plan, call);
        if (response !== undefined) return response;
        plan = await this.plans.plan(target, body, call); // by the definitions that another request has changed
      }
      throw new RequestError(
        'unavailable',
        'Other requests changed the options of the properties. Send the import again.',
      );
    };
    return executeCharged(call.quota, body.objects.length, execute, ({ replayed }) => replayed);
  }

  /**
   * Reads a job.
   *
   * @param id as in the path
   * @returns the response body
   * @throws RequestError `not_found`
   */
  async find(teamId: string, id: string, options: CheckoutOptions): Promise<string> {
    const job = await this.imports.find(teamId, parsePathId(id), options);
    if (job === undefined) throw new RequestError('not_found');
    return job;
  }

  /** @returns undefined, after doing nothing, if the definitions do not admit the options to create any more */
  private async execute(
    target: RecordTarget,
    { clientId, clientName }: Principal,
    { items, chunks, withinRequest, options }: PlannedImport,
    call: WriteCall,
  ): Promise<WriteResponse | undefined> {
    const { key } = call;
    if (withinRequest && key === undefined) {
      if (options.length > 0 && !(await this.schema.addOptionsInTransaction(target, options, call))) return undefined;
      return this.importNow(target, items, call);
    }
    const job = {
      ...target,
      jobId: uuidv7(),
      client: { id: clientId, name: clientName },
      ...{ requestId: call.requestId, withinRequest, chunks, key },
    };
    const created = await this.create(target, job, options, call);
    if (created === undefined) return undefined;
    return withinRequest && key !== undefined
      ? this.importNowWithKey(target, items, { ...call, key }, created)
      : jobResponse(target, created);
  }

  private async create(
    target: RecordTarget,
    job: NewImport,
    options: readonly PlannedOption[],
    call: WriteCall,
  ): Promise<CreatedImport | undefined> {
    if (options.length === 0) return this.imports.create(job, checkoutOptions(call));
    try {
      return await this.imports.create(job, checkoutOptions(call), (client) =>
        this.schema.addOptions(client, target, options, call),
      );
    } finally {
      this.properties.forget(target.teamId);
    }
  }

  /** Without a key there is nothing to resume, so no job is stored. */
  private async importNow(target: RecordTarget, items: ImportItem[], call: WriteCall): Promise<WriteResponse> {
    const startedAt = new Date();
    const body = this.bodyOf(await this.write(target, items, call, undefined), startedAt);
    return finished(body, { complete: false, replayed: false, resumed: false });
  }

  /** The job stores the planned rows, so that a retry writes the same ones. The ledger has the outcomes of those that were written. */
  private async importNowWithKey(
    target: RecordTarget,
    items: ImportItem[],
    call: WriteCall & { key: LedgerKey },
    created: CreatedImport,
  ): Promise<WriteResponse> {
    const startedAt = new Date();
    if (created.state === 'complete') return finished(created.body, { complete: true, replayed: true, resumed: false });
    const resumed = created.state === 'resume';
    const planned = created.state === 'resume' ? await this.plans.refresh(target, created.items) : items;
    const key = chunkKey(created.jobId, 0, call.requestId);
    const written = await this.write(target, planned, call, key);
    const body = this.bodyOf(written, startedAt);
    // A retry attempts the rows that can still succeed.
    if (written.completedBy === undefined) return finished(body, { complete: false, replayed: false, resumed });
    const first = await this.imports.completeRequest(
      target.teamId,
      created.jobId,
      call.key,
      body,
      checkoutOptions(call),
    );
    return finished(first, { complete: true, replayed: false, resumed });
  }

  private async write(
    target: RecordTarget,
    items: ImportItem[],
    call: WriteCall,
    key: LedgerKey | undefined,
  ): Promise<WrittenBatch> {
    const resolved = await this.spellings.resolve(target, items, {
      ...checkoutOptions(call),
      timeoutMs: call.deadline.msLeft('execute'),
    });
    const plan: Plan = {
      ...target,
      operation: 'import',
      items: resolved,
      options: { ...DEFAULT_OPTIONS, return: 'minimal' },
    };
    const written = await this.records.write(plan, { ...call, key, quota: undefined });
    call.log.setBatch(written.summary);
    const replayed = written.outcomes.filter((outcome) => outcome.replayed).length;
    if (replayed > 0) await call.quota?.refundItems(replayed);
    return written;
  }

  private bodyOf({ outcomes }: WrittenBatch, startedAt: Date): string {
    const results = rowResults(outcomes, 0);
    this.metrics.countRows(results);
    return jobDoneWithinRequest(results, results.json, startedAt, new Date());
  }
}

/** The response of an import that was done within the request. */
function finished(body: string, attempt: WriteAttempt): WriteResponse {
  return writeResponse({ status: 200, headers: {}, body }, attempt);
}

/** The response of an import that is a job. */
function jobResponse({ teamId }: RecordTarget, created: CreatedImport): WriteResponse {
  if (created.state === 'resume' || created.body === undefined) throw new Error('an import job has no response');
  const { body } = created;
  const { job_id } = JSON.parse(body) as { job_id: string }; // built by import_job_json
  const headers = { location: `/v2/prism/${teamId}/imports/${job_id}` };
  const replayed = created.state === 'complete';
  return writeResponse({ status: 202, headers, body }, { complete: true, replayed, resumed: false });
}

function checkoutOptions({ deadline, meter, span }: WriteCall): CheckoutOptions {
  return { timeoutMs: deadline.msLeft('commit'), meter, span };
}
