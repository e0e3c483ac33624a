import { Inject, Injectable } from '@nestjs/common';
import { Settings } from '#libs/config';
import type { Answer } from '#libs/idempotency';
import { PropertyDefinitionService } from '#libs/properties';
import { planDeletes, planUpdates, RecordWriter } from '#libs/records';
import type { WriteCall } from '../http/call.decorator';
import type { RecordTarget } from '../http/target.decorator';
import { batchAnswer } from './batch.answer';
import { type BatchDeleteEnvelope, type BatchUpdateEnvelope, batchOptions } from './batch.envelope';

/** Changes up to 100 records in one call. */
@Injectable()
export class BatchService {
  constructor(
    @Inject(PropertyDefinitionService) private readonly properties: PropertyDefinitionService,
    @Inject(RecordWriter) private readonly records: RecordWriter,
    @Inject(Settings) private readonly settings: Settings,
  ) {}

  async update(target: RecordTarget, body: BatchUpdateEnvelope, call: WriteCall): Promise<Answer> {
    const validator = await this.properties.validatorOf(target.teamId, target.objectType);
    const limits = { itemLimitBytes: this.settings.itemLimitBytes, bodyBytes: call.bodyBytes };
    const plan = {
      ...target,
      operation: 'update',
      items: planUpdates(body.items, validator, limits),
      options: batchOptions(body.options),
    } as const;
    return batchAnswer(await this.records.write(plan, call));
  }

  async delete(target: RecordTarget, body: BatchDeleteEnvelope, call: WriteCall): Promise<Answer> {
    const plan = {
      ...target,
      operation: 'delete',
      items: planDeletes(body.ids),
      options: batchOptions(body.options),
    } as const;
    return batchAnswer(await this.records.write(plan, call));
  }
}
