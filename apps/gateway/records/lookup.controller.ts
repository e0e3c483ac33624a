import { Body, Controller, Get, Headers, Inject, Param, Put, Query } from '@nestjs/common';
import { ApiFindRecord, ApiUpsertRecord } from '../docs/operations';
import { Authenticated } from '../http/authentication.decorators';
import { checkedEnvelope } from '../http/envelope.check';
import type { QueryParameters } from '../http/query.check';
import { queryOptionsOf } from '../http/database.options';
import { type RecordTarget, Target } from '../http/target.decorator';
import { Exchange, type HttpExchange } from '../http/exchange.decorator';
import { WriteHandler } from '../http/write.handler';
import { LookupService } from './lookup.service';
import { RecordEnvelope } from './record.envelope';
import type { LookupPath } from './record.lookup';
import { selectionOf } from './record.selection';
import { UpsertService } from './upsert.service';

/** Records by the value of a property. */
@Controller('v2/prism/:team/:object/by/:slug/:value')
export class LookupController {
  constructor(
    @Inject(LookupService) private readonly lookups: LookupService,
    @Inject(UpsertService) private readonly upserts: UpsertService,
    @Inject(WriteHandler) private readonly writes: WriteHandler,
  ) {}

  /** Reads the record that has a value. */
  @Get()
  @ApiFindRecord()
  @Authenticated('records:read')
  async find(
    @Target() target: RecordTarget,
    @Param() path: LookupPath,
    @Query() query: QueryParameters,
    @Exchange() exchange: HttpExchange,
  ): Promise<string> {
    const found = await this.lookups.find(target, path, selectionOf(query), queryOptionsOf(exchange));
    void exchange.reply.headers({ etag: found.etag, 'content-type': 'application/json; charset=utf-8' });
    return found.json;
  }

  /** Patches the record that has a value, or creates it. */
  @Put()
  @ApiUpsertRecord()
  @Authenticated('records:write', { operation: 'upsert' })
  upsert(
    @Target() target: RecordTarget,
    @Param() path: LookupPath,
    @Headers('if-match') ifMatch: string | undefined,
    @Body() body: unknown,
    @Exchange() exchange: HttpExchange,
  ): Promise<string> {
    const search = queryOptionsOf(exchange);
    return this.writes.respond(exchange, (call) =>
      this.upserts.upsert(target, path, checkedEnvelope(RecordEnvelope, body), ifMatch, search, call),
    );
  }
}
