import { Body, Controller, Get, Header, HttpCode, Inject, Param, Post, Query } from '@nestjs/common';
import type { Principal } from '#libs/auth';
import { MAX_ROWS, planHeapOf } from '#libs/imports';
import { ApiGetImport, ApiImportRecords } from '../docs/import.operations';
import { Authenticated, Caller } from '../http/authentication.decorators';
import { checkoutOptionsOf } from '../http/database.options';
import { checkedEnvelope } from '../http/envelope.check';
import { type QueryParameters, rejectUnknownParameters } from '../http/query.check';
import { type RecordTarget, Target } from '../http/target.decorator';
import { Exchange, type HttpExchange } from '../http/exchange.decorator';
import { WriteHandler } from '../http/write.handler';
import { ImportEnvelope } from './import.envelope';
import { checkScopes } from './import.options';
import { ImportService } from './import.service';

@Controller('v2/prism/:team')
export class ImportController {
  constructor(
    @Inject(ImportService) private readonly imports: ImportService,
    @Inject(WriteHandler) private readonly writes: WriteHandler,
  ) {}

  /** Creates up to 10,000 records. Responds 200 with the results of a small import, and 202 with a job otherwise. */
  @Post(':object/import')
  @ApiImportRecords()
  @HttpCode(200)
  @Authenticated('records:write', { operation: 'import', maxItems: MAX_ROWS, planHeapOf })
  import(
    @Target() target: RecordTarget,
    @Caller() caller: Principal,
    @Body() body: unknown,
    @Exchange() exchange: HttpExchange,
  ): Promise<string> {
    checkScopes(body, caller);
    return this.writes.respond(exchange, (call) =>
      this.imports.import(target, caller, checkedEnvelope(ImportEnvelope, body), call),
    );
  }

  /** Reads a job with the results of the rows that are done. */
  @Get('imports/:job_id')
  @ApiGetImport()
  @Header('content-type', 'application/json; charset=utf-8')
  @Authenticated('records:read')
  get(
    @Caller() { teamId }: Principal,
    @Param('job_id') id: string,
    @Query() query: QueryParameters,
    @Exchange() exchange: HttpExchange,
  ): Promise<string> {
    rejectUnknownParameters(query, []);
    return this.imports.find(teamId, id, checkoutOptionsOf(exchange));
  }
}
