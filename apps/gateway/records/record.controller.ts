import { Body, Controller, Delete, Get, Headers, HttpCode, Inject, Param, Patch, Post, Query } from '@nestjs/common';
import {
  ApiCreateRecord,
  ApiDeleteRecord,
  ApiDuplicateRecord,
  ApiGetRecord,
  ApiPatchRecord,
  ApiRestoreRecord,
} from '../docs/operations';
import { Authenticated } from '../http/authentication.decorators';
import { checkoutOptionsOf } from '../http/database.options';
import { checkedEnvelope, checkNoContent } from '../http/envelope.check';
import type { QueryParameters } from '../http/query.check';
import { type RecordTarget, Target } from '../http/target.decorator';
import { Exchange, type HttpExchange } from '../http/exchange.decorator';
import { WriteHandler } from '../http/write.handler';
import { requiredEtagOf } from './record.conditions';
import { RecordEnvelope } from './record.envelope';
import { RecordService } from './record.service';
import { selectionOf } from './record.selection';

@Controller('v2/prism/:team/:object')
export class RecordController {
  constructor(
    @Inject(RecordService) private readonly records: RecordService,
    @Inject(WriteHandler) private readonly writes: WriteHandler,
  ) {}

  /** Creates a record. */
  @Post()
  @ApiCreateRecord()
  @HttpCode(201)
  @Authenticated('records:write', { operation: 'create' })
  create(@Target() target: RecordTarget, @Body() body: unknown, @Exchange() exchange: HttpExchange): Promise<string> {
    return this.writes.respond(exchange, (call) =>
      this.records.create(target, checkedEnvelope(RecordEnvelope, body), call),
    );
  }

  /** Reads a record. */
  @Get(':id')
  @ApiGetRecord()
  @Authenticated('records:read')
  async get(
    @Target() target: RecordTarget,
    @Param('id') id: string,
    @Query() query: QueryParameters,
    @Exchange() exchange: HttpExchange,
  ): Promise<string> {
    const found = await this.records.get(target, id, selectionOf(query), checkoutOptionsOf(exchange));
    void exchange.reply.headers({ etag: found.etag, 'content-type': 'application/json; charset=utf-8' });
    return found.json;
  }

  /** Patches a record, like a batch of one item. */
  @Patch(':id')
  @ApiPatchRecord()
  @Authenticated('records:write', { operation: 'patch' })
  patch(
    @Target() target: RecordTarget,
    @Param('id') id: string,
    @Headers('if-match') ifMatch: string | undefined,
    @Body() body: unknown,
    @Exchange() exchange: HttpExchange,
  ): Promise<string> {
    return this.writes.respond(exchange, (call) =>
      this.records.patch(target, id, checkedEnvelope(RecordEnvelope, body), requiredEtagOf(ifMatch), call),
    );
  }

  /** Deletes a record softly. An `Idempotency-Key` is ignored. */
  @Delete(':id')
  @ApiDeleteRecord()
  @HttpCode(204)
  @Authenticated('records:write', { operation: 'delete' })
  delete(
    @Target() target: RecordTarget,
    @Param('id') id: string,
    @Headers('if-match') ifMatch: string | undefined,
    @Body() body: unknown,
    @Exchange() exchange: HttpExchange,
  ): Promise<string> {
    return this.writes.respond(exchange, (call) => {
      checkNoContent(body);
      return this.records.delete(target, id, requiredEtagOf(ifMatch), call);
    });
  }

  /** Restores a deleted record. A live one stays as it is. */
  @Post(':id/restore')
  @ApiRestoreRecord()
  @HttpCode(200)
  @Authenticated('records:write', { operation: 'restore' })
  restore(
    @Target() target: RecordTarget,
    @Param('id') id: string,
    @Headers('if-match') ifMatch: string | undefined,
    @Body() body: unknown,
    @Exchange() exchange: HttpExchange,
  ): Promise<string> {
    return this.writes.respond(exchange, (call) => {
      checkNoContent(body);
      return this.records.restore(target, id, requiredEtagOf(ifMatch), call);
    });
  }

  /** Creates a copy of a record. */
  @Post(':id/duplicate')
  @ApiDuplicateRecord()
  @HttpCode(201)
  @Authenticated('records:write', { operation: 'duplicate' })
  duplicate(
    @Target() target: RecordTarget,
    @Param('id') id: string,
    @Body() body: unknown,
    @Exchange() exchange: HttpExchange,
  ): Promise<string> {
    return this.writes.respond(exchange, (call) => {
      checkNoContent(body);
      return this.records.duplicate(target, id, call);
    });
  }
}
