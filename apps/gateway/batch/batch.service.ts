import { Inject, Injectable } from '@nestjs/common';
import { Settings } from '#libs/config';
import type { WriteResponse } from '#libs/idempotency';
import { PropertyDefinitionService } from '#libs/properties';
import { type Plan, planDeletes, type PlanItem, planUpdates, RecordWriter } from '#libs/records';
import type { WriteCall } from '../http/write.handler';
import type { RecordTarget } from '../http/target.decorator';
import { batchResponse } from './batch.response';
import { type BatchDeleteEnvelope, type BatchUpdateEnvelope, batchOptions } from './batch.envelope';

/** An item of the maximum size, 256 KiB by default, takes milliseconds. */
const ITEMS_PER_STEP = 1;

/** Updates or deletes up to 100 records in one request. */
@Injectable()
export class BatchService {
  constructor(
    @Inject(PropertyDefinitionService) private readonly properties: PropertyDefinitionService,
    @Inject(RecordWriter) private readonly records: RecordWriter,
    @Inject(Settings) private readonly settings: Settings,
  ) {}

  async update(target: RecordTarget, body: BatchUpdateEnvelope, call: WriteCall): Promise<WriteResponse> {
    return this.write(call, {
      ...target,
      operation: 'update',
      items: await this.planUpdates(target, body.items, call),
      options: batchOptions(body.options),
    });
  }

  /** Plans the items step by step, so that a large body does not block the event loop. */
  private async planUpdates(target: RecordTarget, items: readonly unknown[], call: WriteCall): Promise<PlanItem[]> {
    const validator = await this.properties.validatorOf(target.teamId, target.objectType);
    const limits = { itemLimitBytes: this.settings.itemLimitBytes, bodyBytes: call.bodyBytes };
    const planned: PlanItem[] = [];
    await call.compute('plan', () => {
      const next = items.slice(planned.length, planned.length + ITEMS_PER_STEP);
      planned.push(...planUpdates(next, validator, limits));
      return planned.length < items.length;
    });
    return planned;
  }

  delete(target: RecordTarget, body: BatchDeleteEnvelope, call: WriteCall): Promise<WriteResponse> {
    return this.write(call, {
      ...target,
      operation: 'delete',
      items: planDeletes(body.ids),
      options: batchOptions(body.options),
    });
  }

  private async write(call: WriteCall, plan: Plan): Promise<WriteResponse> {
    const batch = await this.records.write(plan, call);
    call.log.setBatch(batch.summary);
    return batchResponse(batch);
  }
}
