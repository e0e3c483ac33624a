import { Controller, Get, Inject, Param, Query } from '@nestjs/common';
import { ApiFindRecord } from '../docs/operations';
import { Authenticated } from '../http/authentication.decorators';
import { queryOptions } from '../http/query.options';
import { type RecordTarget, Target } from '../http/target.decorator';
import { Exchange, type HttpExchange } from '../http/write.handler';
import { LookupService } from './lookup.service';
import { selectionOf } from './record.selection';

/** Records by the value of a property. */
@Controller('v2/prism/:team/:object/by/:slug/:value')
export class LookupController {
  constructor(@Inject(LookupService) private readonly lookups: LookupService) {}

  /** Reads the record that has a value. */
  @Get()
  @ApiFindRecord()
  @Authenticated('records:read')
  async find(
    @Target() target: RecordTarget,
    @Param('slug') slug: string,
    @Param('value') value: string,
    @Query() query: Record<string, string | string[]>,
    @Exchange() exchange: HttpExchange,
  ): Promise<string> {
    const found = await this.lookups.find(target, { slug, value }, selectionOf(query), queryOptions(exchange));
    void exchange.reply.headers({ etag: found.etag, 'content-type': 'application/json; charset=utf-8' });
    return found.json;
  }
}
