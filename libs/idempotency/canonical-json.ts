/**
 * JSON as RFC 8785 writes it: members sorted by UTF-16 code units at every depth, no white space. Two things that the RFC
 * has no text for are told apart as well: numbers too large for a double become `1e999`, and a lone surrogate its escape.
 * @param value what `JSON.parse` returned
 */
export function canonicalJson(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'number') return number(value);
  if (typeof value !== 'object' || value === null) return String(value);
  return Array.isArray(value) ? array(value) : object(value);
}

function number(value: number): string {
  if (Number.isFinite(value)) return String(value);
  return value > 0 ? '1e999' : '-1e999';
}

function array(values: unknown[]): string {
  let text = '[';
  for (let i = 0; i < values.length; i++) {
    text += i === 0 ? canonicalJson(values[i]) : ',' + canonicalJson(values[i]);
  }
  return text + ']';
}

function object(value: object): string {
  const names = Object.keys(value);
  // Most are in order as they come, and to see that costs less than to sort them.
  if (!isSorted(names)) names.sort();
  let text = '{';
  for (const name of names) {
    if (text.length > 1) text += ',';
    // Own properties of an object from JSON.parse: plain values under any name.
    text += JSON.stringify(name) + ':' + canonicalJson((value as Record<string, unknown>)[name]);
  }
  return text + '}';
}

function isSorted(names: readonly string[]): boolean {
  return names.every((name, i) => i === 0 || (names[i - 1] ?? '') <= name);
}
