import { type Condition, QueryFields, type RecordFilter, type RecordQuery } from '#libs/records';
import type { RecordTarget } from '../http/target.decorator';

/** Where the request has the cursor. */
export interface CursorInput {
  readonly text: string;
  readonly path: string;
}

/** A query of one page, as its request asks for it. */
export interface QueryInput extends Omit<RecordQuery, 'after' | 'offset'> {
  /** Replaces `limit` and `page`. */
  readonly cursor: CursorInput | undefined;
  /** From 1. */
  readonly page: number;
  readonly includeTotal: boolean;
  /** The path of the query in the request, for errors. */
  readonly path: string;
}

/** A filter of a target. */
export function filterOf(
  { teamId, objectType }: RecordTarget,
  fields: QueryFields,
  condition: Condition,
  more: Partial<Pick<RecordFilter, 'ids' | 'deleted'>> = {},
): RecordFilter {
  return { teamId, objectType, fields, condition, ids: more.ids, deleted: more.deleted ?? false };
}
