/** A slug with more differences is considered another word. */
const MAX_EDITS = 2;
/** The number of different unknown slugs of one request that are compared with the known ones. */
const MAX_SUGGESTIONS = 5;

interface Suggestion {
  readonly unknownSlug: string;
  readonly known: ReadonlyMap<string, unknown>;
  readonly slug: string | undefined;
}

/**
 * The suggestions for the unknown slugs of one request. Only the first few different ones get a suggestion: each is compared with
 * every known slug.
 */
export class SlugSuggestions {
  private readonly suggestions: Suggestion[] = [];

  /** @param known the known slugs */
  of(unknownSlug: string, known: ReadonlyMap<string, unknown>): string | undefined {
    const earlier = this.suggestions.find(
      (suggestion) => suggestion.unknownSlug === unknownSlug && suggestion.known === known,
    );
    if (earlier !== undefined) return earlier.slug;
    if (this.suggestions.length >= MAX_SUGGESTIONS) return undefined;
    const slug = suggestSlug(unknownSlug, known.keys());
    this.suggestions.push({ unknownSlug, known, slug });
    return slug;
  }
}

/** The known slug that is closest to `unknownSlug`; undefined if none is close. For error messages only: it compares with all. */
export function suggestSlug(unknownSlug: string, slugs: Iterable<string>): string | undefined {
  const lower = unknownSlug.toLowerCase();
  let best: string | undefined;
  let fewest = Math.min(MAX_EDITS, Math.floor(unknownSlug.length / 2)) + 1;
  for (const slug of slugs) {
    const edits = editsBetween(lower, slug, fewest - 1);
    if (edits < fewest) {
      best = slug;
      fewest = edits;
    }
  }
  return best;
}

/** The Levenshtein distance between `from.slice(i)` and `to.slice(j)`; `Infinity` if it is more than `maxEdits`, which is small. */
function editsBetween(from: string, to: string, maxEdits: number, i = 0, j = 0): number {
  const difference = Math.abs(from.length - i - (to.length - j));
  if (difference > maxEdits) return Infinity;
  let [atFrom, atTo] = [i, j];
  while (atFrom < from.length && from.charCodeAt(atFrom) === to.charCodeAt(atTo)) {
    atFrom += 1;
    atTo += 1;
  }
  if (atFrom === from.length || atTo === to.length) return difference;
  if (maxEdits === 0) return Infinity;
  const replaced = editsBetween(from, to, maxEdits - 1, atFrom + 1, atTo + 1);
  const removed = editsBetween(from, to, maxEdits - 1, atFrom + 1, atTo);
  const inserted = editsBetween(from, to, maxEdits - 1, atFrom, atTo + 1);
  return 1 + Math.min(replaced, removed, inserted);
}
