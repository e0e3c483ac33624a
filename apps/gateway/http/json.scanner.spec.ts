import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isExactNumber } from '#libs/json';
import { type JsonLimits, JsonScanner } from './json.scanner';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void; // what the flag defines

function heapUsed(): number {
  collect();
  return process.memoryUsage().heapUsed;
}

const LIMITS: JsonLimits = { depth: 32, members: 10, elements: 100 };

function scan(text: string, limits?: JsonLimits, onSuspectNumber?: () => void): JsonScanner {
  const scanner = new JsonScanner(Buffer.from(text), limits, onSuspectNumber);
  while (scanner.advance(10));
  return scanner;
}

/** The heap that the parsed text takes, in bytes. */
function heapOf(text: string): number {
  const before = heapUsed();
  const value: unknown = JSON.parse(text);
  const taken = heapUsed() - before;
  expect(value).toBeTypeOf('object'); // keeps the value reachable until here
  return taken;
}

/** As many values as fit into a megabyte. */
function many(value: (n: number) => string): string {
  const length = Math.floor(1_000_000 / (value(99_999).length + 1));
  return Array.from({ length }, (_, n) => value(n)).join(',');
}

describe('the heap estimate of a body', () => {
  it.each([
    ['numbers', `[${many(() => '0')}]`],
    ['empty objects', `[${many(() => '{}')}]`],
    ['empty arrays', `[${many(() => '[]')}]`],
    ['small objects', `[${many(() => '{"a":1}')}]`],
    ['nested arrays', `[${many(() => '[[[[[[[[0]]]]]]]]')}]`],
    ['nested objects', `[${many(() => '{"a":{"a":{"a":0}}}')}]`],
    ['one object of many members', `{${many((n) => `"k${n}":0`)}}`],
    ['objects of different members', `[${many((n) => `{"k${n}":0,"j${n}":1}`)}]`],
    ['strings', `[${many((n) => `"a${n}"`)}]`],
    ['one long string', `["${'{[,:'.repeat(250_000)}"]`],
  ])('is at least what the value takes: %s', (_, text) => {
    const { heapBytes } = scan(text);
    // Other work of the process can only add to a measurement.
    const taken = Math.min(...Array.from({ length: 5 }, () => heapOf(text)));
    expect(taken).toBeLessThan(heapBytes * 1.1);
    // An estimate that is far too high would delay bodies without need.
    expect(heapBytes).toBeLessThan(Math.max(6 * taken, 2 * text.length));
  });

  it('ignores the content of strings', () => {
    const text = JSON.stringify(['{[,:"\\'.repeat(10)]);
    expect(scan(text).heapBytes).toBe(text.length + 64);
  });
});

it('a scan ends where the text is nested too deep', () => {
  let visited = 0;
  const text = `${'['.repeat(33)}${'1e5,'.repeat(1_000)}`;
  expect(scan(text, LIMITS, () => (visited += 1)).exceeded).toEqual({ limit: 'depth', at: 32 });
  expect(visited).toBe(0);
});

it('a scan ends at a bracket that closes nothing', () => {
  let visited = 0;
  const text = `[{}]${'},1e5'.repeat(1_000)}`;
  expect(scan(text, LIMITS, () => (visited += 1)).exceeded).toEqual({ limit: 'closings', at: 4 });
  expect(visited).toBe(0);
});

describe('the limits of one object or array', () => {
  const object = (members: number): string =>
    JSON.stringify(Object.fromEntries(Array.from({ length: members }, (_, n) => [`k${n}`, 0])));
  const array = (elements: number): string => JSON.stringify(Array.from({ length: elements }, () => 0));

  it.each([
    ['a full object', object(10)],
    ['a full array', array(100)],
    ['full objects in a full array', `[${Array.from({ length: 100 }, () => object(10)).join(',')}]`],
    ['commas in strings', JSON.stringify([','.repeat(1_000)])],
  ])('admit %s', (_, text) => {
    expect(scan(text, LIMITS).exceeded).toBeUndefined();
  });

  it.each([
    ['members', object(11)],
    ['elements', array(101)],
    ['members', `[0,{"a":[1,2]},${object(11)}]`],
    ['elements', `{"a":{"b":${array(101)}}}`],
  ])('are exceeded by one more of the %s: %s', (limit, text) => {
    expect(scan(text, LIMITS).exceeded).toMatchObject({ limit });
  });
});

const tokens = fc
  .tuple(
    fc.constantFrom('', '-', '0.', '-1.'),
    fc.bigInt({ min: 1n, max: 10n ** 25n }),
    fc.constantFrom('', 'e9', 'E-400'),
  )
  .map((parts) => parts.join(''));

describe('a number in a body', () => {
  function suspects(text: string): string[] {
    const found: string[] = [];
    const scanner = new JsonScanner(Buffer.from(text), undefined, (start, end) => found.push(text.slice(start, end)));
    while (scanner.advance(7));
    expect(scanner.suspectNumbers).toBe(found.length);
    return found;
  }

  it('is suspect if it is long or has an exponent, and only outside of strings', () => {
    expect(suspects('[1,-2.5,"1e5 \\" 1e6",1e7,{"1234567890123456":0.1},-2E-3, 1234567890123456 ]')).toEqual([
      '1e7',
      '-2E-3',
      '1234567890123456',
    ]);
  });

  it('is always suspect if it is not exact', () => {
    fc.assert(
      fc.property(tokens, (token) => {
        if (isExactNumber(token) === false) expect(suspects(`[${token}]`)).toEqual([token]);
      }),
      { numRuns: 2_000 },
    );
  });
});
