import { Controller, Get, Inject, Param, Query } from '@nestjs/common';
import { ApiOperation, ApiParam, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { Principal } from '#libs/auth';
import { RequestError } from '#libs/errors';
import { type Receipt, ReceiptService } from '#libs/idempotency';
import { ApiErrors } from '../docs/errors.decorator';
import { EXAMPLES } from '../docs/examples';
import { UUID_SCHEMA } from '../docs/record.schemas';
import { commonHeaders } from '../docs/request.headers';
import { headerRefs } from '../docs/schema.type';
import { Authenticated, Caller } from '../http/authentication.decorators';
import { checkoutOptionsOf } from '../http/database.options';
import { Exchange, type HttpExchange } from '../http/exchange.decorator';
import { type QueryParameters, rejectUnknownParameters } from '../http/query.check';
import { RECEIPT_SCHEMA } from './receipt.schema';

@ApiTags('Receipts')
@ApiParam({ name: 'team', description: 'The id of the team.', schema: UUID_SCHEMA })
@commonHeaders
@Controller('v2/prism/:team/receipts')
export class ReceiptsController {
  constructor(@Inject(ReceiptService) private readonly receipts: ReceiptService) {}

  /** What became of the request with this Idempotency-Key. The scope is that of reads, because the results contain records. */
  @Get(':key')
  @Authenticated('records:read')
  @ApiOperation({
    operationId: 'getReceipt',
    summary: 'Read what became of a write',
    description:
      'What the ledger has of the request that your client sent with this `Idempotency-Key`, for a caller that did not receive the response. 404: nothing was applied with the key so far, or its lifetime has ended. An attempt may still be on its way, so only a retry with the key makes sure that the request is applied.',
  })
  @ApiParam({
    name: 'key',
    description:
      'The `Idempotency-Key` of the request, percent-encoded; bare or as a quoted string. Quote the keys `.` and `..`, which are no path segments.',
    schema: { type: 'string', minLength: 1 },
    example: 'close-deal-1',
  })
  @ApiResponse({
    status: 200,
    description: 'The receipt.',
    headers: headerRefs(),
    content: { 'application/json': { schema: RECEIPT_SCHEMA, example: EXAMPLES.receipt } },
  })
  @ApiErrors({})
  async get(
    @Caller() caller: Principal,
    @Param('key') key: string,
    @Query() query: QueryParameters,
    @Exchange() exchange: HttpExchange,
  ): Promise<string> {
    rejectUnknownParameters(query, []);
    const receipt = await this.receipts.find(caller, key, checkoutOptionsOf(exchange));
    if (receipt === undefined) throw new RequestError('not_found');
    void exchange.reply.header('content-type', 'application/json; charset=utf-8');
    return renderReceipt(receipt);
  }
}

/** The results are embedded as they were stored, so that they have the bytes of the response. */
function renderReceipt({ state, createdAt, expiresAt, total, succeeded, failed, results }: Receipt): string {
  const head = { state, created_at: createdAt, expires_at: expiresAt, summary: { total, succeeded, failed } };
  return `${JSON.stringify(head).slice(0, -1)},"results":[${results}]}`;
}
