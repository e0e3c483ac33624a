import { idOf } from '../organizations';

/** A request body that needs much memory when it is parsed. */
export interface BodyKind {
  name: string;
  body: Buffer;
}

/** The default of BODY_LIMIT_BYTES. */
const limitBytes = 5 * 2 ** 20;
const batchItems = 100;

/** @param maxBytes the limit, which each body almost reaches */
export function bodyKinds(maxBytes = limitBytes): BodyKind[] {
  const whole = (start: string, value: (n: number) => string, end: string, comma?: string): string =>
    filled(start, value, end, maxBytes, comma);
  const items = (start: string, value: (n: number) => string, end: string): string =>
    hundred((n) => item(n, start, value, end, Math.floor(maxBytes / batchItems) - 100));
  const kinds: Record<string, string> = {
    'one long text': whole('{"items":[{"id":"x","default":{"notes":"', () => 'x', '"}}]}', ''),
    numbers: whole('{"items":[', () => '0', ']}'),
    'empty objects': whole('{"items":[', () => '{}', ']}'),
    'small objects': whole('{"items":[', () => '{"a":1}', ']}'),
    'nested arrays': whole('{"items":[', () => '[[[[[[[[0]]]]]]]]', ']}'),
    'different keys': whole('{"items":[{"id":"x","default":{', (n) => `"k${n}":0`, '}}]}'),
    '100 items of numbers': `{"items":[${items('"extended":{"a":[', () => '0', ']}')}]}`,
    '100 items of keys': `{"items":[${items('"extended":{', (key) => `"k${key}":0`, '}')}]}`,
  };
  return Object.entries(kinds).map(([name, text]) => ({ name, body: checked(name, Buffer.from(text)) }));
}

/** As many values as fit between `start` and `end`. */
function filled(start: string, value: (n: number) => string, end: string, capacity: number, comma = ','): string {
  const values: string[] = [];
  let left = capacity - start.length - end.length;
  for (let n = 0; ; n++) {
    const text = value(n);
    left -= text.length + comma.length;
    if (left < 0) return start + values.join(comma) + end;
    values.push(text);
  }
}

/** An item that the gateway accepts and sends to Postgres. */
function item(number: number, start: string, value: (n: number) => string, end: string, capacity: number): string {
  return filled(`{"id":"${idOf(number)}",${start}`, value, `${end}}`, capacity);
}

function hundred(of: (number: number) => string): string {
  return Array.from({ length: batchItems }, (_, number) => of(number)).join(',');
}

function checked(name: string, body: Buffer): Buffer {
  if (body.length > limitBytes) throw new Error(`${name}: ${body.length} bytes would be rejected with 413`);
  return body;
}
