import { describe, expect, it } from 'vitest';
import { type AppliedFunction, isPending } from './function.runner';

const file = { name: 'add', sql: '', checksum: 'b' };

function text(checksum: string, version: string, is_current = false): AppliedFunction {
  return { name: 'add', checksum, version, is_current };
}

describe('isPending', () => {
  it.each<[string, AppliedFunction[], boolean]>([
    ['is true for a function that was never applied', [], true],
    ['is false for the text in use', [text('a', '1.0.0'), text('b', '1.1.0', true)], false],
    ['is true for a text that was never applied', [text('a', '1.1.0', true)], true],
    ['is true if an older version applied the text in use', [text('b', '1.0.0'), text('a', '1.0.9', true)], true],
    ['is false if a newer version applied the text in use', [text('b', '1.1.0'), text('c', '1.10.0', true)], false],
    ['is false if a newer version replaced a text that this one never applied', [text('c', '1.10.0', true)], false],
    [
      'is false if another build of the version has replaced the text',
      [text('b', '1.1.0'), text('c', '1.1.0', true)],
      false,
    ],
    ['ignores other functions', [{ ...text('b', '1.1.0', true), name: 'subtract' }], true],
  ])('%s', (_, applied, expected) => {
    expect(isPending(file, '1.1.0', applied)).toBe(expected);
  });
});
