/** A slug with more differences is considered another word. */
const MAX_EDITS = 2;

/** The known slug that is closest to `mistaken`; undefined if none is close. For error messages only: it compares with all. */
export function suggestSlug(mistaken: string, slugs: Iterable<string>): string | undefined {
  const limit = Math.min(MAX_EDITS, Math.floor(mistaken.length / 2));
  let best: string | undefined;
  let fewest = limit + 1;
  for (const slug of slugs) {
    if (Math.abs(slug.length - mistaken.length) >= fewest) continue;
    const edits = editsBetween(mistaken.toLowerCase(), slug);
    if (edits < fewest) {
      best = slug;
      fewest = edits;
    }
  }
  return best;
}

/** The Levenshtein distance. */
function editsBetween(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (let line = 1; line <= from.length; line += 1) {
    const next = [line];
    for (let column = 1; column <= to.length; column += 1) {
      const replaced = at(row, column - 1) + (from[line - 1] === to[column - 1] ? 0 : 1);
      next.push(Math.min(replaced, at(row, column) + 1, at(next, column - 1) + 1));
    }
    row = next;
  }
  return at(row, to.length);
}

function at(row: readonly number[], column: number): number {
  return row[column] ?? Infinity;
}
