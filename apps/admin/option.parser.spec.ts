import { AccessError } from '#libs/auth';
import { InvalidArgumentError } from 'commander';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { checked, futureTime, timeAfter } from './option.parser';

describe('the parser of a time', () => {
  beforeEach(() => {
    vi.useFakeTimers({ now: new Date('2026-01-31T12:00:00Z') });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it.each([
    ['90d', '2026-05-01T12:00:00.000Z'],
    ['30s', '2026-01-31T12:00:30.000Z'],
    ['2w', '2026-02-14T12:00:00.000Z'],
    ['2026-02-01', '2026-02-01T00:00:00.000Z'],
    ['2026-02-01T12:00:00+02:00', '2026-02-01T10:00:00.000Z'],
    ['2028-02-29', '2028-02-29T00:00:00.000Z'],
  ])('parses %s as %s', (text, time) => {
    expect(futureTime(text).toISOString()).toBe(time);
  });

  it.each([
    '',
    '0d',
    '90',
    '-1d',
    '1y',
    '999999w',
    '2026-01-31',
    '2026-02-30',
    '2026-13-01',
    '2026-02-01T25:00Z',
    '2027-02-29',
    '2026-02-01T12:00',
    'never',
  ])('rejects %j', (text) => {
    expect(() => futureTime(text)).toThrow(InvalidArgumentError);
  });

  it('accepts only a duration where the time is relative to now', () => {
    expect(timeAfter('1h').toISOString()).toBe('2026-01-31T13:00:00.000Z');
    expect(() => timeAfter('2027-01-01')).toThrow(InvalidArgumentError);
  });
});

describe('checked', () => {
  it('turns an AccessError into an error of the option, and no other error', () => {
    const reject = checked(() => {
      throw new AccessError('no');
    });
    const fail = checked(() => {
      throw new TypeError('a defect');
    });

    expect(() => reject('x')).toThrow(new InvalidArgumentError('no'));
    expect(() => fail('x')).toThrow(TypeError);
  });
});
