/** What may stand next, in the words of a refusal. */
type Expected = keyof typeof NAMES;

const NAMES = {
  value: 'a value',
  firstItem: 'a value or ]',
  name: 'a property name in double quotes',
  firstName: 'a property name in double quotes, or }',
  colon: ':',
  commaInArray: ', or ]',
  commaInObject: ', or }',
  end: 'nothing more',
};

const WHITE_SPACE = /[ \t\r\n]*/y;
const NUMBER_OR_WORD = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/y;
const PLAIN_CHARACTERS = /[ !#-[\]-\uffff]*/y;
const ESCAPE = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y;

/**
 * Where text that JSON.parse refused stops being JSON, in characters from 0, and what should stand there. V8 says less,
 * and quotes the text. The text is nested no deeper than is good for an array of its open brackets.
 */
export function findSyntaxError(text: string): string {
  const open: ('[' | '{')[] = [];
  let expected: Expected = 'value';
  let at = skip(WHITE_SPACE, text, 0);
  while (at < text.length) {
    const sign = text.charAt(at);
    const next = following(expected, sign, open);
    const end: number | undefined = next === undefined ? undefined : endOfToken(text, at, sign);
    if (next === undefined || end === undefined) break;
    expected = next;
    at = skip(WHITE_SPACE, text, end);
  }
  const stop = at >= text.length ? 'it ends too early, ' : '';
  return `${stop}expected ${NAMES[expected]} at position ${at}`;
}

/** What stands after a token that begins with `sign`; undefined if it may not stand here. Keeps the row of open brackets. */
function following(expected: Expected, sign: string, open: ('[' | '{')[]): Expected | undefined {
  switch (expected) {
    case 'value':
      return afterStartOfValue(sign, open);
    case 'firstItem':
      return sign === ']' ? afterClosing(open) : afterStartOfValue(sign, open);
    case 'firstName':
      if (sign === '}') return afterClosing(open);
      return sign === '"' ? 'colon' : undefined;
    case 'name':
      return sign === '"' ? 'colon' : undefined;
    case 'colon':
      return sign === ':' ? 'value' : undefined;
    case 'commaInArray':
      if (sign === ']') return afterClosing(open);
      return sign === ',' ? 'value' : undefined;
    case 'commaInObject':
      if (sign === '}') return afterClosing(open);
      return sign === ',' ? 'name' : undefined;
    case 'end':
      return undefined;
  }
}

function afterStartOfValue(sign: string, open: ('[' | '{')[]): Expected | undefined {
  if (sign === '[' || sign === '{') {
    open.push(sign);
    return sign === '[' ? 'firstItem' : 'firstName';
  }
  return ']},:'.includes(sign) ? undefined : afterValue(open);
}

function afterClosing(open: ('[' | '{')[]): Expected {
  open.pop();
  return afterValue(open);
}

function afterValue(open: readonly ('[' | '{')[]): Expected {
  const inside = open.at(-1);
  if (inside === undefined) return 'end';
  return inside === '[' ? 'commaInArray' : 'commaInObject';
}

function endOfToken(text: string, at: number, sign: string): number | undefined {
  if ('[]{},:'.includes(sign)) return at + 1;
  if (sign === '"') return endOfString(text, at);
  const end = skip(NUMBER_OR_WORD, text, at);
  return end > at ? end : undefined;
}

function endOfString(text: string, start: number): number | undefined {
  let at = start + 1;
  for (;;) {
    at = skip(PLAIN_CHARACTERS, text, at);
    if (text.charAt(at) === '"') return at + 1;
    const end = skip(ESCAPE, text, at);
    if (end === at) return undefined;
    at = end;
  }
}

/** The end of what the sticky pattern matches at this place; the place itself if it does not. */
function skip(pattern: RegExp, text: string, at: number): number {
  pattern.lastIndex = at;
  return pattern.test(text) ? pattern.lastIndex : at;
}
