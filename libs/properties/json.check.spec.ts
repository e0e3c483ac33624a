import { describe, expect, it } from 'vitest';
import { isStorable } from './json.check';
import { ValidationErrors } from './validation.errors';

function nested(levels: number): unknown {
  return levels === 0 ? 1 : [nested(levels - 1)];
}

function messagesOf(value: unknown): string[] {
  const errors = new ValidationErrors();
  isStorable(value, errors);
  return errors.list.map(({ message }) => message);
}

describe('isStorable', () => {
  it('accepts 32 levels, and rejects a deeper value', () => {
    expect(messagesOf(nested(32))).toEqual([]);
    expect(messagesOf(nested(33)).join()).toContain('must not be nested deeper than 32 levels');
  });

  it('rejects a value that JSON does not have', () => {
    expect(messagesOf({ a: undefined }).join()).toContain('must be a JSON value');
  });
});
