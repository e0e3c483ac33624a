const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** The UUID in lower case, or null if the text is none in canonical form. Any version and variant will do. */
export function lowerCaseUuid(text: string): string | null {
  return UUID.test(text) ? text.toLowerCase() : null;
}
