import { Body, Controller, Get, Header, HttpCode, Inject, Post, Query } from '@nestjs/common';
import { parseIdempotencyKey } from '#libs/idempotency';
import { EVERY_RECORD, QueryFields } from '#libs/records';
import { ApiCountRecords, ApiListRecords, ApiQueryRecords } from '../docs/query.operations';
import { Authenticated } from '../http/authentication.decorators';
import { type QueryParameters, rejectUnknownParameters, singleParameter } from '../http/query.check';
import { queryOptionsOf } from '../http/database.options';
import { parseListId } from '../http/list.id';
import { type RecordTarget, Target } from '../http/target.decorator';
import { Exchange, type HttpExchange } from '../http/exchange.decorator';
import { idempotencyKeyHeader, type WriteCall } from '../http/write.handler';
import { MAX_REQUEST_LENGTH } from './compiled.queries';
import { queryOfParameters } from './list.parameters';
import { queryOfBody } from './query.body';
import { filterOf } from './query.input';
import { QueryService } from './query.service';

const JSON_TYPE = 'application/json; charset=utf-8';

@Controller('v2/prism/:team/:object')
export class QueryController {
  constructor(@Inject(QueryService) private readonly queries: QueryService) {}

  /** A page of records, by query string. */
  @Get()
  @ApiListRecords()
  @Header('content-type', JSON_TYPE)
  @Authenticated('records:read')
  async list(
    @Target() target: RecordTarget,
    @Query() parameters: QueryParameters,
    @Exchange() exchange: HttpExchange,
  ): Promise<string> {
    const definitions = await this.queries.definitionsOf(target);
    const measure = measureOf(exchange);
    const query = measure(() =>
      this.queries.compile(exchange.request.url, definitions, () => queryOfParameters(target, parameters, definitions)),
    );
    return this.queries.page('list', query, queryOptionsOf(exchange), measure);
  }

  /** A page of records, by the query language. It is a read: an Idempotency-Key is checked and has no effect. */
  @Post('query')
  @HttpCode(200)
  @ApiQueryRecords()
  @Header('content-type', JSON_TYPE)
  @Authenticated('records:read')
  async query(
    @Target() target: RecordTarget,
    @Body() body: unknown,
    @Exchange() exchange: HttpExchange,
  ): Promise<string> {
    parseIdempotencyKey(idempotencyKeyHeader(exchange.request));
    const definitions = await this.queries.definitionsOf(target);
    const measure = measureOf(exchange);
    const query = measure(() =>
      this.queries.compile(requestTextOf(exchange, body), definitions, () => queryOfBody(target, body, definitions)),
    );
    return this.queries.page('query', query, queryOptionsOf(exchange), measure);
  }

  /** The number of live records. */
  @Get('count')
  @ApiCountRecords()
  @Authenticated('records:read')
  async count(
    @Target() target: RecordTarget,
    @Query() parameters: QueryParameters,
    @Exchange() exchange: HttpExchange,
  ): Promise<{ total: number }> {
    rejectUnknownParameters(parameters, ['list_id']);
    const listId = parseListId(singleParameter(parameters, 'list_id'), '.query.list_id');
    const filter = filterOf(target, new QueryFields([], listId), EVERY_RECORD);
    return { total: await this.queries.count(filter, queryOptionsOf(exchange)) };
  }
}

/** The text of a request with a body; undefined if it is long, or does not determine the query. */
function requestTextOf({ request }: HttpExchange, body: unknown): string | undefined {
  if (body === undefined || request.requestContext.bodyBytes > MAX_REQUEST_LENGTH) return undefined;
  const text = JSON.stringify(body);
  // A number that a double cannot represent was parsed as an infinite one, which JSON.stringify writes as null.
  return text.includes('null') ? undefined : `${request.url} ${text}`;
}

/** Attributes the CPU time of a section to the client of the request. */
function measureOf({ request }: HttpExchange): WriteCall['measure'] {
  const { permits } = request.requestContext;
  return (section) => permits.measure('plan', section);
}
