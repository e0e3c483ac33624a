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
import type { QueryInput } from './query.input';
import { renderPage } from './page.renderer';
import { timeoutError } from './query.timeout';

/** Lists, queries and counts records. */
@Injectable()
export class QueryService {
  constructor(
    @Inject(PropertyDefinitionService) private readonly properties: PropertyDefinitionService,
    @Inject(RecordQueryRepository) private readonly queries: RecordQueryRepository,
    @Inject(QueryMetrics) private readonly metrics: QueryMetrics,
  ) {}

  definitionsOf({ teamId, objectType }: RecordTarget): Promise<readonly PropertyDefinition[]> {
    return this.properties.definitionsOf(teamId, objectType);
  }

  /**
   * One page of records.
   *
   * @param measure runs a section whose time grows with the filter
   * @returns the response body
   * @throws RequestError `invalid_request` for a cursor of another query or a query that took too long, `unavailable`
   */
  async page(
    operation: QueryOperation,
    input: QueryInput,
    options: QueryOptions,
    measure: WriteCall['measure'],
  ): Promise<string> {
    const codec = measure(() => new CursorCodec(input, input.order));
    const cursor = measure(() => input.cursor && codec.decode(input.cursor.text, input.cursor.path));
    const limit = cursor?.limit ?? input.limit;
    const offset = cursor === undefined ? (input.page - 1) * limit : 0;
    const query = { ...input, limit, offset, after: cursor?.values };
    const page = await this.withTimeoutError(operation, () => this.queries.page(query, options), input);
    const total = input.includeTotal
      ? await this.withTimeoutError(operation, () => this.queries.count(input, options), input)
      : undefined;
    const nextCursor = measure(() => page.next && codec.encode({ limit, values: page.next }));
    return renderPage(page, nextCursor, total);
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
