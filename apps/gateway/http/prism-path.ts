const ABSOLUTE_FORM = /^https?:\/\/[^/?#]*/i;

/**
 * The team segment of a request target under `/v2/prism`; `''` when it ends before one, undefined when it lies elsewhere.
 * Reads encoded, doubled and upper-case spellings as the plain one: a spelling that no route matches is still refused without a key.
 */
export function teamOfPrismPath(target: string): string | undefined {
  const path = target.replace(ABSOLUTE_FORM, '').split(/[?#]/, 1)[0] ?? '';
  const [version, api, team] = decoded(path)
    .split('/')
    .filter((segment) => segment !== '');
  if (version?.toLowerCase() !== 'v2' || api?.toLowerCase() !== 'prism') return undefined;
  return team ?? '';
}

/** Whether a route's pattern can match a path under `/v2/prism`. A bare `*` is left aside: it catches what no route serves. */
export function isPrismRoute(pattern: string): boolean {
  const [version = '', api = ''] = pattern.split('/').filter((segment) => segment !== '');
  return matches(version, 'v2') && matches(api, 'prism');
}

function matches(segment: string, literal: string): boolean {
  return segment.toLowerCase() === literal || segment.includes(':');
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    // Broken percent-encoding: what can be decoded is, one escape at a time, so that the rest cannot hide the prefix.
    return path.replace(/%[2-7][0-9a-f]/gi, (escape) => decodeURIComponent(escape));
  }
}
