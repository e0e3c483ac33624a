const ABSOLUTE_FORM = /^https?:\/\/[^/?#]*/i;

/**
 * The team segment of a request target under `/v2/prism`; empty if it has none; undefined for any other target. Percent-encoding,
 * empty segments and upper case are normalized, so that such a variant requires a key too, although no route matches it.
 */
export function teamOfPrismPath(target: string): string | undefined {
  const path = target.replace(ABSOLUTE_FORM, '').split(/[?#]/, 1)[0] ?? '';
  const [version, api, team] = percentDecoded(path)
    .split('/')
    .filter((segment) => segment !== '');
  if (version?.toLowerCase() !== 'v2' || api?.toLowerCase() !== 'prism') return undefined;
  return team ?? '';
}

/** Whether the pattern of a route can match a path under `/v2/prism`. The catch-all `*` does not count. */
export function isPrismRoute(pattern: string): boolean {
  const [version = '', api = ''] = pattern.split('/').filter((segment) => segment !== '');
  return matches(version, 'v2') && matches(api, 'prism');
}

function matches(segment: string, literal: string): boolean {
  return segment.toLowerCase() === literal || segment.includes(':');
}

function percentDecoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    // Invalid percent-encoding: decode each valid escape of ASCII, so that an invalid one cannot hide the prefix.
    return path.replace(/%[2-7][0-9a-f]/gi, (escape) => decodeURIComponent(escape));
  }
}
