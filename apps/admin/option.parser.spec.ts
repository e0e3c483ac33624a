import { AccessError } from '#libs/auth';
import { InvalidArgumentError } from 'commander';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { checked, futureMoment, momentAfter } from './option.parser';

describe('a time that an option names', () => {
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
  ])('%s is %s', (text, moment) => {
    expect(futureMoment(text).toISOString()).toBe(moment);
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
    '2027-02-29',
    '2026-02-01T12:00',
    'never',
  ])('%j is refused', (text) => {
    expect(() => futureMoment(text)).toThrow(InvalidArgumentError);
  });

  it('is only a duration where it counts from now', () => {
    expect(momentAfter('1h').toISOString()).toBe('2026-01-31T13:00:00.000Z');
    expect(() => momentAfter('2027-01-01')).toThrow(InvalidArgumentError);
  });
});

describe('a rule as the parser of an option', () => {
  it('turns a refusal into one that names the option, and nothing else', () => {
    const refuse = checked(() => {
      throw new AccessError('no');
    });
    const fail = checked(() => {
      throw new TypeError('a fault');
    });

    expect(() => refuse('x')).toThrow(new InvalidArgumentError('no'));
    expect(() => fail('x')).toThrow(TypeError);
  });
});
