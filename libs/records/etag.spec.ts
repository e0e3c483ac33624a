import { describe, expect, it } from 'vitest';
import { etagConditionOf } from './etag';

describe('etagConditionOf', () => {
  it.each(['"8-64f1c2a3b4d5e"', '"33a64df5"', '""', '"*"', `"${'9'.repeat(400)}"`])('requires the etag %s', (tag) => {
    expect(etagConditionOf(tag)).toEqual({ etag: tag.slice(1, -1) });
  });

  it('accepts every etag for *', () => {
    expect(etagConditionOf('*')).toEqual({});
  });

  it('matches no record with a weak tag', () => {
    expect(etagConditionOf('W/"8"')).toEqual({ etag: '"' });
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
    expect(etagConditionOf(tag)).toBe('malformed');
  });
});
