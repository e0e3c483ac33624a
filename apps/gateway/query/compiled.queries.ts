import { LRUCache } from 'lru-cache';
import type { PropertyDefinition } from '#libs/properties';
import type { CompiledPage, CursorCodec } from '#libs/records';
import type { QueryInput } from './query.input';

/** A validated query of one page, with its statement. */
export interface CompiledQuery {
  readonly input: QueryInput;
  readonly codec: CursorCodec;
  /** The maximum number of rows of the page. */
  readonly limit: number;
  readonly page: CompiledPage;
}

/** How many queries are kept. Each takes up to about 10 KB. */
const MAX_QUERIES = 500;
/** The length of the longest request that is kept. Longer ones are rarely sent again. */
export const MAX_REQUEST_LENGTH = 2_048;

type Queries = Map<string, CompiledQuery>;

/**
 * Compiled queries by the text of their request, for requests that repeat. A query depends on the property definitions, so it is
 * used only for the same ones, and is freed with them.
 */
export class CompiledQueries {
  private readonly byDefinitions = new WeakMap<readonly PropertyDefinition[], Queries>();
  /** The most recently used requests. */
  private readonly recent = new LRUCache<string, WeakRef<Queries>>({
    max: MAX_QUERIES,
    dispose: (queries, request) => queries.deref()?.delete(request),
  });

  /**
   * @param request everything that the query depends on, besides the definitions
   * @param compile is called if the query is not kept
   */
  get(request: string, definitions: readonly PropertyDefinition[], compile: () => CompiledQuery): CompiledQuery {
    const known = this.byDefinitions.get(definitions)?.get(request);
    if (known !== undefined) {
      this.recent.get(request);
      return known;
    }
    const query = compile();
    // Each page after the first has its own cursor, and is rarely read again.
    if (request.length <= MAX_REQUEST_LENGTH && query.input.cursor === undefined)
      this.keep(request, definitions, query);
    return query;
  }

  private keep(request: string, definitions: readonly PropertyDefinition[], query: CompiledQuery): void {
    let queries = this.byDefinitions.get(definitions);
    if (queries === undefined) this.byDefinitions.set(definitions, (queries = new Map<string, CompiledQuery>()));
    this.recent.set(request, new WeakRef(queries));
    queries.set(request, query);
  }
}
