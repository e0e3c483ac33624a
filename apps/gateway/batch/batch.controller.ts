import { Body, Controller, HttpCode, Inject, Post } from '@nestjs/common';
import { Authenticated } from '#libs/auth';
import { type Answer, Idempotent } from '#libs/idempotency';
import { ApiBatchDelete, ApiBatchUpdate } from '../docs/operations';
import { Call, type WriteCall } from '../http/call.decorator';
import { EnvelopePipe } from '../http/envelope.pipe';
import { type RecordTarget, Target } from '../http/target.decorator';
import { BatchDeleteEnvelope, BatchUpdateEnvelope } from './batch.envelope';
import { BatchService } from './batch.service';

@Controller('v2/prism/:team/:object/batch')
export class BatchController {
  constructor(@Inject(BatchService) private readonly batches: BatchService) {}

  /** Patches up to 100 records, each in its own transaction. Answers 200 also when items fail. */
  @Post('update')
  @ApiBatchUpdate()
  @HttpCode(200)
  @Authenticated('records:write')
  @Idempotent()
  update(
    @Target() target: RecordTarget,
    @Body(new EnvelopePipe(BatchUpdateEnvelope)) body: BatchUpdateEnvelope,
    @Call() call: WriteCall,
  ): Promise<Answer> {
    return this.batches.update(target, body, call);
  }

  /** Deletes up to 100 records, softly and each in its own transaction. Answers 200 also when items fail. */
  @Post('delete')
  @ApiBatchDelete()
  @HttpCode(200)
  @Authenticated('records:write')
  @Idempotent()
  delete(
    @Target() target: RecordTarget,
    @Body(new EnvelopePipe(BatchDeleteEnvelope)) body: BatchDeleteEnvelope,
    @Call() call: WriteCall,
  ): Promise<Answer> {
    return this.batches.delete(target, body, call);
  }
}
