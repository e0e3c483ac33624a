// One token of JSON with the white space before it.
const TOKEN =
  /[ \t\r\n]*(?:[{}[\],:]|"(?:[ !#-[\]-\u{10ffff}]|\\["\\/bfnrt]|\\u[0-9a-fA-F]{4})*"|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)/uy;
const WHITE_SPACE = /[ \t\r\n]*/y;
const GIVEN_POSITION = / in JSON at position (\d+)/;

/**
 * What is wrong with text that JSON.parse refused with `error`, and where, in characters from 0.
 * Repeats nothing of the text but the names of JSON's own signs: V8's messages may quote it.
 */
export function findSyntaxFault(text: string, error: unknown): string {
  const message = error instanceof Error ? error.message : '';
  const given = GIVEN_POSITION.exec(message)?.[1];
  if (given !== undefined && !message.startsWith('Unexpected token')) {
    const [complaint = ''] = message.split(' in JSON at position', 1);
    return `${complaint.charAt(0).toLowerCase()}${complaint.slice(1)} at position ${given}`;
  }
  const at = given === undefined ? endOfTokens(text) : Number(given);
  return at >= text.length ? `it ends too early, at position ${text.length}` : `unexpected character at position ${at}`;
}

/** Where the text stops being a row of tokens. */
function endOfTokens(text: string): number {
  TOKEN.lastIndex = 0;
  let end = 0;
  while (TOKEN.test(text)) end = TOKEN.lastIndex;
  WHITE_SPACE.lastIndex = end;
  WHITE_SPACE.test(text);
  return WHITE_SPACE.lastIndex;
}
