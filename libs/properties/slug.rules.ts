/** The maximum length of the slug of a property or option. */
export const MAX_SLUG_LENGTH = 64;
/** The end of an error message. */
export const SLUG_RULE = `must be 1 to ${MAX_SLUG_LENGTH} characters of a-z, 0-9, _ and -, and begin with a letter or digit`;

const SLUG = /^[a-z0-9][a-z0-9_-]{0,63}$/;

/** Names that have another meaning in records, queries and query strings. */
export const RESERVED_SLUGS: ReadonlySet<string> = new Set([
  ...['id', 'default', 'list', 'extended', 'properties', 'constructor'],
  ...['created_at', 'updated_at', 'deleted_at'],
  ...[
    'select',
    'sort',
    'limit',
    'cursor',
    'page',
    'deleted',
    'include_total',
    'list_id',
    'query',
    'filter',
    'combinator',
  ],
]);

export function isSlug(text: string): boolean {
  return SLUG.test(text);
}

/**
 * The slug of a name: its letters and digits in lower case and without accents, the rest as `_`; with a number at its end if
 * that slug is taken. Undefined if the name has no letter or digit of ASCII.
 */
export function slugOfName(name: string, isTaken: (slug: string) => boolean): string | undefined {
  const plain = name.normalize('NFKD').replaceAll(/\p{M}/gu, '').toLowerCase();
  const words = plain.split(/[^a-z0-9]+/).filter((word) => word !== '');
  const slug = words.join('_').slice(0, MAX_SLUG_LENGTH).replace(/_$/, '');
  if (slug === '') return undefined;
  let numbered = slug;
  for (let number = 2; isTaken(numbered); number += 1) {
    const suffix = `_${number}`;
    numbered = slug.slice(0, MAX_SLUG_LENGTH - suffix.length) + suffix;
  }
  return numbered;
}
