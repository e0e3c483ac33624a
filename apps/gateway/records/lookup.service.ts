import { Inject, Injectable } from '@nestjs/common';
import { invalidField, RequestError } from '#libs/errors';
import { PropertyDefinitionService } from '#libs/properties';
import {
  type FoundRecord,
  lookupConditionsOf,
  QueryMetrics,
  type QueryOptions,
  QueryTimeout,
  type RecordFilter,
  RecordQueryRepository,
} from '#libs/records';
import type { RecordTarget } from '../http/target.decorator';
import { type LookupPath, recordLookupOf } from './record.lookup';
import { checkSelection, selectFrom } from './record.selection';

/** Finds the one record that has a value. */
@Injectable()
export class LookupService {
  constructor(
    @Inject(PropertyDefinitionService) private readonly properties: PropertyDefinitionService,
    @Inject(RecordQueryRepository) private readonly queries: RecordQueryRepository,
    @Inject(QueryMetrics) private readonly metrics: QueryMetrics,
  ) {}

  /**
   * @throws RequestError `invalid_request`, including when the property has no lookup and the search took too long;
   *   `not_found`; `multiple_matches`; `unavailable`
   */
  async find(
    target: RecordTarget,
    path: LookupPath,
    selection: ReadonlySet<string> | undefined,
    options: QueryOptions,
  ): Promise<FoundRecord> {
    const definitions = await this.properties.definitionsOf(target.teamId, target.objectType);
    if (selection) checkSelection(selection, new Set(definitions.map(({ slug }) => slug)));
    const [found, another] = await this.search(recordLookupOf(target, path, definitions).filter, options);
    if (found === undefined) throw new RequestError('not_found');
    if (another !== undefined) throw new RequestError('multiple_matches');
    return selection ? { ...found, json: selectFrom(found.json, selection) } : found;
  }

  /**
   * The first two live records of a filter.
   *
   * @throws RequestError `invalid_request` if no lookup serves the filter and the search took too long; `unavailable`
   */
  async search(filter: RecordFilter, options: QueryOptions): Promise<FoundRecord[]> {
    try {
      return await this.queries.find(filter, options);
    } catch (error) {
      if (!(error instanceof QueryTimeout)) throw error;
      this.metrics.countTimeout('find');
      throw searchTimeoutError(error, filter);
    }
  }
}

/** As for a query: without a lookup the same search would take as long again. */
function searchTimeoutError({ budgetMs, isRequestDeadline }: QueryTimeout, { condition }: RecordFilter): RequestError {
  const isIndexed = lookupConditionsOf(condition).length > 0;
  const message = `search did not finish within ${budgetMs} ms`;
  if (isIndexed || isRequestDeadline) return new RequestError('unavailable', `The ${message}. Send it again.`);
  const advice = `the ${message}, because the property has no lookup: set its lookup to "indexed" (PATCH .../properties/{id})`;
  return invalidField('.path.slug', 'query_timeout', advice);
}
