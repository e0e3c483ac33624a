/** What RFC 9110 has as the name of a header. */
const NAME = /^[\w!#$%&'*+.^`|~-]+$/;
const VALUE = /^[\x20-\x7e]*$/;

/**
 * Headers as `OTEL_EXPORTER_OTLP_HEADERS` has them: `name=value`, separated by commas, values percent-encoded.
 * @returns undefined if the text is no such list
 */
export function headersOf(text: string): Record<string, string> | undefined {
  const headers: Record<string, string> = {};
  for (const member of text.split(',')) {
    const equals = member.indexOf('=');
    const name = member.slice(0, Math.max(0, equals)).trim();
    const value = decoded(member.slice(equals + 1).trim());
    if (!NAME.test(name) || value === undefined || !VALUE.test(value)) return undefined;
    headers[name] = value;
  }
  return headers;
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined; // it says a byte that is none, or no text: the same as not being a list
  }
}
