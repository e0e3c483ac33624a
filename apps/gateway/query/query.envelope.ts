import { IsArray, IsBoolean, IsIn, IsInt, IsObject, IsOptional, IsString, Max, Min } from 'class-validator';
import { MAX_PAGE_ROWS } from '#libs/records';
import type { EnvelopeType } from '../http/envelope.check';

export const DEFAULT_LIMIT = 25;
/** Postgres reads and drops the rows of the previous pages. */
const MAX_PAGE = 10_000;
const COMBINATORS = ['AND', 'OR'] as const;

const LIMIT = { message: `limit must be a whole number from 1 to ${MAX_PAGE_ROWS}` };
const PAGE = { message: `page must be a whole number from 1 to ${MAX_PAGE}; use cursor to read further` };

/** The member `query` of the body of a query. Filters and sorts are checked against the property definitions. */
export class QuerySpecification {
  @IsArray({ message: 'select must be an array of property slugs' })
  select!: unknown[]; // checkedEnvelope assigns it

  @IsOptional()
  @IsArray({ message: 'filter must be an array of conditions' })
  filter?: unknown[] | null;

  @IsOptional()
  @IsIn(COMBINATORS, { message: 'combinator must be AND or OR' })
  combinator?: (typeof COMBINATORS)[number] | null;

  @IsOptional()
  @IsArray({ message: 'sort must be an array as [{"name": "asc"}]' })
  sort?: unknown[] | null;

  @IsOptional()
  @IsInt(LIMIT)
  @Min(1, LIMIT)
  @Max(MAX_PAGE_ROWS, LIMIT)
  limit?: number | null;

  @IsOptional()
  @IsString({ message: 'cursor must be a string' })
  cursor?: string | null;

  @IsOptional()
  @IsInt(PAGE)
  @Min(1, PAGE)
  @Max(MAX_PAGE, PAGE)
  page?: number | null;

  @IsOptional()
  @IsString({ message: 'list_id must be a list id (UUID)' })
  list_id?: string | null;
}

/** The body of a query. */
export class QueryEnvelope {
  static readonly nested: Readonly<Record<string, EnvelopeType<object>>> = { query: QuerySpecification };

  @IsObject({ message: 'query must be an object with at least select' })
  query!: QuerySpecification; // checkedEnvelope assigns it

  @IsOptional()
  id?: unknown;

  @IsOptional()
  @IsString({ message: 'cursor must be a string' })
  cursor?: string | null;

  @IsOptional()
  @IsBoolean({ message: 'include_total must be true or false' })
  include_total?: boolean | null;

  @IsOptional()
  @IsBoolean({ message: 'deleted must be true or false' })
  deleted?: boolean | null;
}
