import { parseUuid } from '#libs/json';
import { type Condition, invalidQuery, QueryFields, type RecordFilter, type RecordQuery } from '#libs/records';
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

/** The id of a list. @throws RequestError `invalid_request` for a text that is no UUID */
export function listIdOf(text: string | undefined, path: string): string | undefined {
  if (text === undefined) return undefined;
  const id = parseUuid(text);
  if (id === undefined) throw invalidQuery(path, 'uuid', 'must be a list id (UUID)');
  return id;
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
