import type { ObjectType } from '#libs/properties';
import type { Condition } from './condition';
import type { QueryFields } from './query.fields';
import type { SortKey } from './sort.order';

/** The maximum number of rows of a page. */
export const MAX_PAGE_ROWS = 50;

/** Which records a query is about. */
export interface RecordFilter {
  readonly teamId: string;
  readonly objectType: ObjectType;
  readonly fields: QueryFields;
  readonly condition: Condition;
  /** Only these records; undefined for all. In lower case, without duplicates. */
  readonly ids: readonly string[] | undefined;
  /** Whether deleted records are included. */
  readonly deleted: boolean;
}

/** A query of one page. */
export interface RecordQuery extends RecordFilter {
  /** The slugs of the properties to return; undefined for all. */
  readonly selection: readonly string[] | undefined;
  readonly order: readonly SortKey[];
  /** The maximum number of rows. */
  readonly limit: number;
  /** The sort values of the last row of the previous page, as text; undefined for the first page. */
  readonly after: readonly (string | null)[] | undefined;
  /** Rows to skip; 0 with `after`. */
  readonly offset: number;
}

/** A page of records. */
export interface QueryPage {
  /** The rows as the elements of a JSON array, in its text form, without the brackets. */
  readonly entries: string;
  /** The sort values of the last row, if there are more rows; undefined on the last page. */
  readonly next: readonly (string | null)[] | undefined;
}
