import { describe, expect, it } from 'vitest';
import { fieldSegment } from './field.path';

describe('a step of a field path', () => {
  it.each<[string | number, string]>([
    ['stage', '.stage'],
    ['11111111-1111-4111-8111-111111111111', '.11111111-1111-4111-8111-111111111111'],
    [3, '[3]'],
    ['', '[""]'],
    ['a.b', '["a.b"]'],
    ['a\0', String.raw`["a\u0000"]`],
    ['\ud800', String.raw`["\ud800"]`],
  ])('of %j is %s', (key, step) => {
    expect(fieldSegment(key)).toBe(step);
  });

  it('is short, however long the key', () => {
    expect(fieldSegment('k'.repeat(5_000_000))).toBe(`["${'k'.repeat(64)}…"]`);
  });
});
