import { Inject, Injectable } from '@nestjs/common';
import { v7 as uuidv7 } from 'uuid';
import { Settings } from '#libs/config';
import type { CheckoutOptions } from '#libs/database';
import type { WriteResponse } from '#libs/idempotency';
import { invalidField, itemError, RequestError } from '#libs/errors';
import { type Change, type LookupTarget, PropertyDefinitionService, type Validation } from '#libs/properties';
import {
  DEFAULT_OPTIONS,
  type FoundRecord,
  type Plan,
  planCreate,
  type PlanItem,
  planPatch,
  RecordRepository,
  RecordWriter,
  type WrittenBatch,
} from '#libs/records';
import { parsePathId } from '../http/path.id';
import type { WriteCall } from '../http/write.handler';
import type { RecordTarget } from '../http/target.decorator';
import { fromItemError, locationIn, recordResponse } from './record.response';
import type { RecordEnvelope } from './record.envelope';
import { checkSelection, selectFrom } from './record.selection';

/** Reads and writes single records. A write is a plan of one item, with the same ledger and metrics as a batch. */
@Injectable()
export class RecordService {
  constructor(
    @Inject(PropertyDefinitionService) private readonly properties: PropertyDefinitionService,
    @Inject(RecordRepository) private readonly records: RecordRepository,
    @Inject(RecordWriter) private readonly writer: RecordWriter,
    @Inject(Settings) private readonly settings: Settings,
  ) {}

  /** @throws RequestError `invalid_request`, `payload_too_large` */
  async create(target: RecordTarget, body: RecordEnvelope, call: WriteCall): Promise<WriteResponse> {
    if (body.default === undefined && body.list === undefined && body.extended === undefined) {
      const message = 'a new record takes at least one of default, list, extended';
      throw invalidField('.body', 'required', message);
    }
    this.checkSize(call);
    const validator = await this.properties.validatorOf(target.teamId, target.objectType);
    const item = planCreate(uuidv7(), changeOf(validator.create(body)));
    return created(target, await this.write('create', target, item, call), call);
  }

  /**
   * @param id as in the path
   * @param ifMatch the etag that the record must have, without its quotes
   * @throws RequestError `invalid_request`, `not_found`, `payload_too_large`
   */
  async patch(
    target: RecordTarget,
    id: string,
    body: RecordEnvelope,
    ifMatch: string | undefined,
    call: WriteCall,
  ): Promise<WriteResponse> {
    this.checkSize(call);
    const validator = await this.properties.validatorOf(target.teamId, target.objectType);
    const change = changeOf(validator.patch(body));
    const item = planPatch(parsePathId(id), change, ifMatch);
    return recordResponse(await this.write('patch', target, item, call), call.requestId, { status: 200 });
  }

  /**
   * @param id as in the path
   * @param ifMatch the etag that the record must have, without its quotes
   * @throws RequestError `not_found`
   */
  async delete(target: RecordTarget, id: string, ifMatch: string | undefined, call: WriteCall): Promise<WriteResponse> {
    const item: PlanItem = { op: 'delete', id: parsePathId(id), ...conditionOn(ifMatch) };
    const written = await this.write('delete', target, item, call, { ...DEFAULT_OPTIONS, return: 'minimal' });
    return recordResponse(written, call.requestId, { status: 204 });
  }

  /**
   * @param id as in the path
   * @param ifMatch the etag that the record must have, without its quotes
   * @throws RequestError `not_found`
   */
  async restore(
    target: RecordTarget,
    id: string,
    ifMatch: string | undefined,
    call: WriteCall,
  ): Promise<WriteResponse> {
    const lookups = await this.lookupsOf(target);
    const item: PlanItem = { op: 'restore', id: parsePathId(id), ...conditionOn(ifMatch), ...lookups };
    return recordResponse(await this.write('restore', target, item, call), call.requestId, { status: 200 });
  }

  /**
   * @param id of the record to copy, as in the path
   * @throws RequestError `not_found`
   */
  async duplicate(target: RecordTarget, id: string, call: WriteCall): Promise<WriteResponse> {
    const lookups = await this.lookupsOf(target);
    const item: PlanItem = { op: 'duplicate', id: uuidv7(), source: parsePathId(id), ...lookups };
    return created(target, await this.write('duplicate', target, item, call), call);
  }

  /** @throws RequestError `not_found`, and `invalid_request` if a selected property is not defined */
  async get(
    { teamId, objectType }: RecordTarget,
    id: string,
    selection: ReadonlySet<string> | undefined,
    options: CheckoutOptions,
  ): Promise<FoundRecord> {
    if (selection) {
      const definitions = await this.properties.definitionsOf(teamId, objectType);
      checkSelection(selection, new Set(definitions.map(({ slug }) => slug)));
    }
    const found = await this.records.find(teamId, objectType, parsePathId(id), options);
    if (!found) throw new RequestError('not_found');
    return selection ? { ...found, json: selectFrom(found.json, selection) } : found;
  }

  /** @throws RequestError `payload_too_large` */
  checkSize({ bodyBytes }: WriteCall): void {
    const limit = this.settings.itemLimitBytes;
    if (bodyBytes > limit) {
      const message = `The record has ${bodyBytes} bytes of JSON; at most ${limit} are allowed.`;
      throw new RequestError('payload_too_large', message, { details: { limit_bytes: limit } });
    }
  }

  private async lookupsOf({ teamId, objectType }: RecordTarget): Promise<{ lookups?: readonly LookupTarget[] }> {
    const lookups = (await this.properties.validatorOf(teamId, objectType)).allLookups;
    return { ...(lookups && { lookups }) };
  }

  private async write(
    operation: Plan['operation'],
    target: RecordTarget,
    item: PlanItem,
    call: WriteCall,
    options = DEFAULT_OPTIONS,
  ): Promise<WrittenBatch> {
    const plan: Plan = { ...target, operation, single: true, items: [item], options };
    const batch = await this.writer.write(plan, call);
    call.log.setBatch(batch.summary);
    return batch;
  }
}

function changeOf(validation: Validation): Change {
  if ('change' in validation) return validation.change;
  const { code, errors } = validation;
  throw fromItemError(itemError(code, errors[0]?.message, errors));
}

function conditionOn(ifMatch: string | undefined): { if_match?: string } {
  return ifMatch === undefined ? {} : { if_match: ifMatch };
}

function created(target: RecordTarget, written: WrittenBatch, { requestId }: WriteCall): WriteResponse {
  return recordResponse(written, requestId, { status: 201, location: locationIn(target) });
}
