import type { QueryPage, QueryRow } from '#libs/records';

/**
 * The body of a page. The properties are copied as text: they are as Postgres stores them.
 *
 * @param nextCursor undefined on the last page
 * @param total undefined if the request does not ask for it
 */
export function renderPage({ rows }: QueryPage, nextCursor: string | undefined, total: number | undefined): string {
  const rest = { has_more: nextCursor !== undefined, next_cursor: nextCursor ?? null, total };
  return `{"data":[${rows.map(rowText).join(',')}],${JSON.stringify(rest).slice(1)}`;
}

function rowText({ id, properties, deletedAt }: QueryRow): string {
  const content = properties === undefined ? '"record_omitted":true' : `"properties":${properties}`;
  return `{"id":"${id}",${content}${deletedAt === undefined ? '' : `,"deleted_at":"${deletedAt}"`}}`;
}
