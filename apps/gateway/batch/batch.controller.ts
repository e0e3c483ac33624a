import { Body, Controller, HttpCode, Inject, Post } from '@nestjs/common';
import { ApiBatch, ApiBatchDelete, ApiBatchUpdate } from '../docs/operations';
import { Authenticated } from '../http/authentication.decorators';
import { checkedEnvelope } from '../http/envelope.check';
import { type RecordTarget, Target } from '../http/target.decorator';
import { Exchange, type HttpExchange } from '../http/exchange.decorator';
import { WriteHandler } from '../http/write.handler';
import { BatchDeleteEnvelope, BatchItemsEnvelope } from './batch.envelope';
import { BatchService } from './batch.service';

@Controller('v2/prism/:team/:object/batch')
export class BatchController {
  constructor(
    @Inject(BatchService) private readonly batches: BatchService,
    @Inject(WriteHandler) private readonly writes: WriteHandler,
  ) {}

  /** Creates, patches, deletes and restores up to 100 records, each in its own transaction. Responds 200 even when items fail. */
  @Post()
  @ApiBatch()
  @HttpCode(200)
  @Authenticated('records:write', { operation: 'batch' })
  mixed(@Target() target: RecordTarget, @Body() body: unknown, @Exchange() exchange: HttpExchange): Promise<string> {
    return this.writes.respond(exchange, (call) =>
      this.batches.mixed(target, checkedEnvelope(BatchItemsEnvelope, body), call),
    );
  }

  /** Patches up to 100 records, each in its own transaction. Responds 200 even when items fail. */
  @Post('update')
  @ApiBatchUpdate()
  @HttpCode(200)
  @Authenticated('records:write', { operation: 'update' })
  update(@Target() target: RecordTarget, @Body() body: unknown, @Exchange() exchange: HttpExchange): Promise<string> {
    return this.writes.respond(exchange, (call) =>
      this.batches.update(target, checkedEnvelope(BatchItemsEnvelope, body), call),
    );
  }

  /** Deletes up to 100 records, softly and each in its own transaction. Responds 200 even when items fail. */
  @Post('delete')
  @ApiBatchDelete()
  @HttpCode(200)
  @Authenticated('records:write', { operation: 'delete' })
  delete(@Target() target: RecordTarget, @Body() body: unknown, @Exchange() exchange: HttpExchange): Promise<string> {
    return this.writes.respond(exchange, (call) =>
      this.batches.delete(target, checkedEnvelope(BatchDeleteEnvelope, body), call),
    );
  }
}
