import { describe, expect, it } from 'vitest';
import { fieldSegment } from './field.error';

describe('fieldSegment', () => {
  it.each<[key: string | number, segment: string]>([
    ['stage', '.stage'],
    ['11111111-1111-4111-8111-111111111111', '.11111111-1111-4111-8111-111111111111'],
    [3, '[3]'],
    ['', '[""]'],
    ['a.b', '["a.b"]'],
    ['a\0', String.raw`["a\u0000"]`],
    ['\ud800', String.raw`["\ud800"]`],
  ])('renders the key %j as %s', (key, segment) => {
    expect(fieldSegment(key)).toBe(segment);
  });

  it('truncates a long key', () => {
    expect(fieldSegment('k'.repeat(5_000_000))).toBe(`["${'k'.repeat(64)}…"]`);
  });
});
