import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { scanJson } from './json.scan';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void; // what the flag defines

function heapUsed(): number {
  collect();
  return process.memoryUsage().heapUsed;
}

/** As many values as fit into a megabyte. */
function many(value: (n: number) => string): string {
  const length = Math.floor(1_000_000 / (value(99_999).length + 1));
  return Array.from({ length }, (_, n) => value(n)).join(',');
}

describe('what a body takes on the heap', () => {
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
  ])('is not more than reckoned: %s', (_, text) => {
    const { heapBytes } = scanJson(Buffer.from(text), 32);
    const before = heapUsed();
    const value: unknown = JSON.parse(text);
    const taken = heapUsed() - before;
    expect(value).toBeTypeOf('object'); // and so still there
    expect(taken).toBeLessThan(heapBytes * 1.1);
    // Nor is it so much more that bodies would wait for nothing.
    expect(heapBytes).toBeLessThan(Math.max(6 * taken, 2 * text.length));
  });

  it('counts nothing inside of strings', () => {
    const text = JSON.stringify(['{[,:"\\'.repeat(10)]);
    expect(scanJson(Buffer.from(text), 32).heapBytes).toBe(text.length + 64);
  });
});

it('a scan ends where the text is nested too deep: the rest of a hostile body costs nothing', () => {
  let visited = 0;
  const text = `${'['.repeat(33)}${'1e5,'.repeat(1_000)}`;
  expect(scanJson(Buffer.from(text), 32, () => (visited += 1)).tooDeepAt).toBe(32);
  expect(visited).toBe(0);
});
