import type { QueryPage } from '#libs/records';

/**
 * The body of a page.
 *
 * @param nextCursor undefined on the last page
 * @param total undefined if the request does not ask for it
 */
export function renderPage({ entries }: QueryPage, nextCursor: string | undefined, total: number | undefined): string {
  const rest = { has_more: nextCursor !== undefined, next_cursor: nextCursor ?? null, total };
  return `{"data":[${entries}],${JSON.stringify(rest).slice(1)}`;
}
