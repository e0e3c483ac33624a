import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { isDate } from './property.rule';

const time = 'T09:30:00';

describe('isDate', () => {
  it.each([
    '2026-02-28',
    '2024-02-29',
    '2000-02-29',
    '0001-01-01',
    '9999-12-31',
    `2026-02-28${time}Z`,
    `2026-02-28${time}z`,
    '2026-02-28t23:59:59.123456789+05:30',
    `2026-02-28${time}-00:00`,
    `2026-02-28${time}+14:00`,
    '1998-12-31T23:59:60Z',
    '1998-12-31T15:59:60-08:00',
    '1999-01-01T00:59:60+01:00',
  ])('accepts %s', (text) => {
    expect(isDate(text)).toBe(true);
  });

  it.each([
    '',
    '2026-02-30',
    '2026-02-29',
    '1900-02-29',
    '2026-04-31',
    '2026-13-01',
    '2026-00-10',
    '2026-01-00',
    '0000-01-01',
    '2026-1-1',
    '20260101',
    '12026-01-01',
    '2026-01-01 ',
    '2026-01-01\n',
    '2026-01-01T',
    '2026-01-01T09:30Z',
    `2026-01-01${time}`,
    '2026-01-01T24:00:00Z',
    '2026-01-01T09:60:00Z',
    '2026-01-01T09:30:00.Z',
    '2026-01-01T09:30:60Z',
    `2026-01-01${time}+0100`,
    `2026-01-01${time}+23:00`,
    `2026-01-01 09:30:00Z`,
    `2026-02-30${time}Z`,
    '٢٠٢٦-٠١-٠١',
  ])('rejects %j', (text) => {
    expect(isDate(text)).toBe(false);
  });

  it('accepts exactly the days of the calendar', () => {
    const part = fc.integer({ min: 0, max: 40 });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 9999 }), part, part, (year, month, day) => {
        const text = [String(year).padStart(4, '0'), ...[month, day].map((n) => String(n).padStart(2, '0'))].join('-');
        const read = new Date(`${text}T00:00:00Z`);
        const real = !Number.isNaN(read.getTime()) && read.toISOString().startsWith(text);
        expect(isDate(text)).toBe(real);
      }),
    );
  });

  it('accepts every ISO timestamp of Date', () => {
    const moments = fc.date({
      min: new Date('0001-01-01T00:00:00Z'),
      max: new Date('9999-12-31'),
      noInvalidDate: true,
    });
    fc.assert(
      fc.property(moments, (moment) => {
        expect(isDate(moment.toISOString())).toBe(true);
      }),
    );
  });
});
