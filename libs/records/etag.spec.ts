import { describe, expect, it } from 'vitest';
import { conditionOf } from './etag';

describe('conditionOf', () => {
  it.each(['"1"', '"8"', '"999999999999999999"'])('parses the version in %s', (tag) => {
    expect(conditionOf(tag)).toEqual({ version: tag.slice(1, -1) });
  });

  it('accepts any version for *', () => {
    expect(conditionOf('*')).toEqual({});
  });

  it.each([
    ['a weak tag', 'W/"8"'],
    ['another format', '"33a64df5"'],
    ['an empty tag', '""'],
    ['a leading zero', '"08"'],
    ['version 0', '"0"'],
    ['a negative version', '"-1"'],
    ['a fraction', '"1.5"'],
    ['more digits than a version has', `"${'9'.repeat(19)}"`],
    ['more digits than any number has', `"${'9'.repeat(400)}"`],
    ['a quoted star', '"*"'],
  ])('matches no record with %s', (_, tag) => {
    expect(conditionOf(tag)).toEqual({ version: '-1' });
  });

  it.each([
    '',
    '8',
    '"8',
    '8"',
    "'8'",
    ' "8"',
    '"8" ',
    '"8", "9"',
    '"a b"',
    '"a"b"',
    'w/"8"',
    '**',
    '"8"\n',
    '"\u{1f600}"',
  ])('rejects %j as malformed', (tag) => {
    expect(conditionOf(tag)).toBe('malformed');
  });
});
