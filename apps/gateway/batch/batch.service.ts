import { Inject, Injectable } from '@nestjs/common';
import { v7 as uuidv7 } from 'uuid';
import { Settings } from '#libs/config';
import type { WriteResponse } from '#libs/idempotency';
import { PropertyDefinitionService } from '#libs/properties';
import {
  type BatchOptions,
  type ItemContext,
  type Plan,
  planDeletes,
  type PlanItem,
  planOperations,
  planUpdates,
  RecordWriter,
} from '#libs/records';
import type { WriteCall } from '../http/write.handler';
import type { RecordTarget } from '../http/target.decorator';
import { batchResponse } from './batch.response';
import { type BatchDeleteEnvelope, type BatchItemsEnvelope, batchOptions } from './batch.envelope';

/** An item of the maximum size, 256 KiB by default, takes milliseconds. */
const ITEMS_PER_STEP = 1;

/** Changes up to 100 records in one request. */
@Injectable()
export class BatchService {
  constructor(
    @Inject(PropertyDefinitionService) private readonly properties: PropertyDefinitionService,
    @Inject(RecordWriter) private readonly records: RecordWriter,
    @Inject(Settings) private readonly settings: Settings,
  ) {}

  async update(target: RecordTarget, body: BatchItemsEnvelope, call: WriteCall): Promise<WriteResponse> {
    const options = batchOptions(body.options);
    const items = await this.plan(target, body.items, options, call, planUpdates);
    return this.write(call, { ...target, operation: 'update', items, options });
  }

  /** Each item has its own operation. */
  async mixed(target: RecordTarget, body: BatchItemsEnvelope, call: WriteCall): Promise<WriteResponse> {
    const options = batchOptions(body.options);
    const items = await this.plan(target, body.items, options, call, planOperations);
    return this.write(call, { ...target, operation: 'batch', items, options });
  }

  delete(target: RecordTarget, body: BatchDeleteEnvelope, call: WriteCall): Promise<WriteResponse> {
    return this.write(call, {
      ...target,
      operation: 'delete',
      items: planDeletes(body.ids),
      options: batchOptions(body.options),
    });
  }

  /** Plans the items step by step, so that a large body does not block the event loop. */
  private async plan(
    target: RecordTarget,
    items: readonly unknown[],
    { skipUnchanged = false }: BatchOptions,
    call: WriteCall,
    planNext: (items: readonly unknown[], context: ItemContext) => PlanItem[],
  ): Promise<PlanItem[]> {
    const validator = (await this.properties.validatorOf(target.teamId, target.objectType)).forRequest();
    const definitions = await this.properties.definitionsOf(target.teamId, target.objectType);
    const { itemLimitBytes } = this.settings;
    const context = {
      ...{ validator, definitions, newId: uuidv7 },
      ...{ itemLimitBytes, bodyBytes: call.bodyBytes, skipUnchanged },
    };
    const planned: PlanItem[] = [];
    await call.compute('plan', () => {
      planned.push(...planNext(items.slice(planned.length, planned.length + ITEMS_PER_STEP), context));
      return planned.length < items.length;
    });
    return planned;
  }

  private async write(call: WriteCall, plan: Plan): Promise<WriteResponse> {
    const batch = await this.records.write(plan, call);
    call.log.setBatch(batch.summary);
    return batchResponse(batch);
  }
}
