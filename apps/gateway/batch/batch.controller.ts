import { Body, Controller, HttpCode, Inject, Post } from '@nestjs/common';
import { Authenticated } from '#libs/auth';
import { IdempotentResponder } from '#libs/idempotency';
import { ApiBatchDelete, ApiBatchUpdate } from '../docs/operations';
import { Call, WriteCall } from '../http/call.decorator';
import { checkedEnvelope } from '../http/envelope.check';
import { type RecordTarget, Target } from '../http/target.decorator';
import { BatchDeleteEnvelope, BatchUpdateEnvelope } from './batch.envelope';
import { BatchService } from './batch.service';

@Controller('v2/prism/:team/:object/batch')
export class BatchController {
  constructor(
    @Inject(BatchService) private readonly batches: BatchService,
    @Inject(IdempotentResponder) private readonly responder: IdempotentResponder,
  ) {}

  /** Patches up to 100 records, each in its own transaction. Answers 200 also when items fail. */
  @Post('update')
  @ApiBatchUpdate()
  @HttpCode(200)
  @Authenticated('records:write')
  update(@Target() target: RecordTarget, @Body() body: unknown, @Call() call: WriteCall): Promise<string> {
    return this.responder.send(call, () =>
      this.batches.update(target, checkedEnvelope(BatchUpdateEnvelope, body), call),
    );
  }

  /** Deletes up to 100 records, softly and each in its own transaction. Answers 200 also when items fail. */
  @Post('delete')
  @ApiBatchDelete()
  @HttpCode(200)
  @Authenticated('records:write')
  delete(@Target() target: RecordTarget, @Body() body: unknown, @Call() call: WriteCall): Promise<string> {
    return this.responder.send(call, () =>
      this.batches.delete(target, checkedEnvelope(BatchDeleteEnvelope, body), call),
    );
  }
}
