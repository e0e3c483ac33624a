import { describe, expect, it } from 'vitest';
import { readDashboards } from '../deploy/monitoring.files';
import { formatValue } from './value.format';

describe('a value', () => {
  it.each([
    [0.0125, 's', undefined, '12.5 ms'],
    [0.00004, 's', undefined, '40 µs'],
    [0, 's', undefined, '0 s'],
    [1.5, 's', undefined, '1.5 s'],
    [5_400, 's', undefined, '1.5 h'],
    [0, 's', 0, '0 s'],
    [157_286_400, 'bytes', undefined, '150 MiB'],
    [0, 'bytes', undefined, '0 B'],
    [12.345, 'reqps', undefined, '12.3 req/s'],
    [1_234, 'ops', undefined, '1.23 K ops/s'],
    [0.5, 'short', undefined, '0.5'],
    [2, 'short', undefined, '2'],
    [0.12345, 'percentunit', 1, '12.3%'],
    [-3, 'percentunit', 0, '-300%'],
    [14.4, 'suffix:x', 1, '14.4x'],
    [3, 'suffix: days', undefined, '3 days'],
  ])('%d in %s with %s decimals is %s', (value, unit, decimals, written) => {
    expect(formatValue(value, unit, decimals)).toBe(written);
  });

  it('in a unit that nobody has thought of is refused', () => {
    expect(() => formatValue(1, 'lightyears')).toThrow('lightyears');
  });

  it('can be written in the unit of every panel', () => {
    for (const { fieldConfig } of readDashboards().flatMap(({ panels }) => panels)) {
      expect(formatValue(1, fieldConfig.defaults.unit ?? '')).toMatch(/1/);
    }
  });
});
