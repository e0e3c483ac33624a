import { Inject, Injectable } from '@nestjs/common';
import { type PropertyDefinition, PropertyDefinitionService } from '#libs/properties';
import {
  CursorCodec,
  QueryMetrics,
  type QueryOperation,
  type QueryOptions,
  QueryTimeout,
  type RecordFilter,
  RecordQueryRepository,
} from '#libs/records';
import type { RecordTarget } from '../http/target.decorator';
import type { WriteCall } from '../http/write.handler';
import { CompiledQueries, type CompiledQuery } from './compiled.queries';
import type { QueryInput } from './query.input';
import { renderPage } from './page.renderer';
import { timeoutError } from './query.timeout';

/** Lists, queries and counts records. */
@Injectable()
export class QueryService {
  private readonly compiled = new CompiledQueries();

  constructor(
    @Inject(PropertyDefinitionService) private readonly properties: PropertyDefinitionService,
    @Inject(RecordQueryRepository) private readonly queries: RecordQueryRepository,
    @Inject(QueryMetrics) private readonly metrics: QueryMetrics,
  ) {}

  definitionsOf({ teamId, objectType }: RecordTarget): Promise<readonly PropertyDefinition[]> {
    return this.properties.definitionsOf(teamId, objectType);
  }

  /**
   * The query of a request.
   *
   * @param request the text of the request; undefined if it does not determine the query
   * @param read reads the query from the request, and checks it
   * @throws RequestError `invalid_request`, also for a cursor of another query
   */
  compile(
    request: string | undefined,
    definitions: readonly PropertyDefinition[],
    read: () => QueryInput,
  ): CompiledQuery {
    const compile = (): CompiledQuery => this.compiledOf(read());
    return request === undefined ? compile() : this.compiled.get(request, definitions, compile);
  }

  /**
   * One page of records.
   *
   * @param measure runs a section whose time grows with the filter
   * @returns the response body
   * @throws RequestError `invalid_request` for a query that took too long, `unavailable`
   */
  async page(
    operation: QueryOperation,
    { input, codec, limit, page: compiledPage }: CompiledQuery,
    options: QueryOptions,
    measure: WriteCall['measure'],
  ): Promise<string> {
    const page = await this.withTimeoutError(operation, () => this.queries.page(compiledPage, options), input);
    const total = input.includeTotal
      ? await this.withTimeoutError(operation, () => this.queries.count(input, options), input)
      : undefined;
    const { next } = page;
    const nextCursor = next && measure(() => codec.encode({ limit, values: next }));
    return renderPage(page, nextCursor, total);
  }

  private compiledOf(input: QueryInput): CompiledQuery {
    const codec = new CursorCodec(input, input.order);
    const cursor = input.cursor && codec.decode(input.cursor.text, input.cursor.path);
    const limit = cursor?.limit ?? input.limit;
    const offset = cursor === undefined ? (input.page - 1) * limit : 0;
    return { input, codec, limit, page: this.queries.compile({ ...input, limit, offset, after: cursor?.values }) };
  }

  /** The number of records. @throws RequestError `invalid_request`, `unavailable` */
  async count(filter: RecordFilter, options: QueryOptions): Promise<number> {
    return this.withTimeoutError('count', () => this.queries.count(filter, options), {
      ...filter,
      order: [],
      path: '.query',
    });
  }

  private async withTimeoutError<T>(
    operation: QueryOperation,
    run: () => Promise<T>,
    query: Parameters<typeof timeoutError>[1],
  ): Promise<T> {
    try {
      return await run();
    } catch (error) {
      if (!(error instanceof QueryTimeout)) throw error;
      this.metrics.countTimeout(operation);
      throw timeoutError(error, query);
    }
  }
}
