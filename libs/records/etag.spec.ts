import { describe, expect, it } from 'vitest';
import { conditionOf } from './etag';

describe('conditionOf', () => {
  it.each(['"1"', '"8"', '"999999999999999999"'])('takes the version out of %s', (tag) => {
    expect(conditionOf(tag)).toEqual({ version: tag.slice(1, -1) });
  });

  it('takes * for any version', () => {
    expect(conditionOf('*')).toEqual({});
  });

  it.each([
    ['a weak tag', 'W/"8"'],
    ['a tag of someone else', '"33a64df5"'],
    ['an empty tag', '""'],
    ['a version that is not written as ours', '"08"'],
    ['a version that was never given', '"0"'],
    ['a negative version', '"-1"'],
    ['a fraction', '"1.5"'],
    ['more digits than a version has', `"${'9'.repeat(19)}"`],
    ['more digits than any number has', `"${'9'.repeat(400)}"`],
    ['a tag with a star in it', '"*"'],
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
  ])('finds %j malformed', (tag) => {
    expect(conditionOf(tag)).toBe('malformed');
  });
});
