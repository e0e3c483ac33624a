import { setImmediate as nextTurn } from 'node:timers/promises';
import { Inject, Injectable } from '@nestjs/common';
import { Settings } from '#libs/config';
import type { WriteResponse } from '#libs/idempotency';
import { PropertyDefinitionService } from '#libs/properties';
import { planDeletes, type PlanItem, planUpdates, RecordWriter } from '#libs/records';
import type { WriteCall } from '../http/call.decorator';
import type { RecordTarget } from '../http/target.decorator';
import { batchResponse } from './batch.response';
import { type BatchDeleteEnvelope, type BatchUpdateEnvelope, batchOptions } from './batch.envelope';

/** Items of about so many bytes of the body are planned at a time: it takes a few milliseconds at most. */
const CHUNK_BYTES = 65_536;

/** Changes up to 100 records in one call. */
@Injectable()
export class BatchService {
  constructor(
    @Inject(PropertyDefinitionService) private readonly properties: PropertyDefinitionService,
    @Inject(RecordWriter) private readonly records: RecordWriter,
    @Inject(Settings) private readonly settings: Settings,
  ) {}

  async update(target: RecordTarget, body: BatchUpdateEnvelope, call: WriteCall): Promise<WriteResponse> {
    const plan = {
      ...target,
      operation: 'update',
      items: await this.planUpdates(target, body.items, call),
      options: batchOptions(body.options),
    } as const;
    return batchResponse(await this.records.write(plan, call));
  }

  /** Plans the items in chunks, with a turn of the event loop in between. */
  private async planUpdates(target: RecordTarget, items: readonly unknown[], call: WriteCall): Promise<PlanItem[]> {
    const validator = await this.properties.validatorOf(target.teamId, target.objectType);
    const limits = { itemLimitBytes: this.settings.itemLimitBytes, bodyBytes: call.bodyBytes };
    const chunk = Math.max(1, Math.floor((items.length * CHUNK_BYTES) / Math.max(1, call.bodyBytes)));
    const planned: PlanItem[] = [];
    for (let first = 0; first < items.length; first += chunk) {
      if (first > 0) await nextTurn();
      const some = items.slice(first, first + chunk);
      planned.push(...call.measure('plan', () => planUpdates(some, validator, limits)));
    }
    return planned;
  }

  async delete(target: RecordTarget, body: BatchDeleteEnvelope, call: WriteCall): Promise<WriteResponse> {
    const plan = {
      ...target,
      operation: 'delete',
      items: planDeletes(body.ids),
      options: batchOptions(body.options),
    } as const;
    return batchResponse(await this.records.write(plan, call));
  }
}
