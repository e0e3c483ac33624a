import 'reflect-metadata';
import { describe, expect, it } from 'vitest';
import { RequestError } from '#libs/errors';
import { BatchItemsEnvelope } from '../batch/batch.envelope';
import { RecordEnvelope } from '../records/record.envelope';
import { checkedEnvelope } from './envelope.check';

const items = [{}];

function rejection(body: unknown): { field: string; code: string; message: string }[] {
  try {
    checkedEnvelope(BatchItemsEnvelope, body);
  } catch (error) {
    if (error instanceof RequestError && error.code === 'invalid_request') return [...error.errors];
    throw error;
  }
  throw new Error('was accepted');
}

/** How often members of `target` are read or looked up. */
function counted<T extends object>(target: T): { value: T; visits: () => number } {
  let visits = 0;
  const count = (): void => {
    visits += 1;
  };
  const value = new Proxy(target, {
    get: (from, name) => (count(), Reflect.get(from, name)),
    has: (from, name) => (count(), Reflect.has(from, name)),
    getOwnPropertyDescriptor: (from, name) => (count(), Reflect.getOwnPropertyDescriptor(from, name)),
  });
  return { value, visits: () => visits };
}

describe('an envelope', () => {
  it('becomes an instance of its class with the same members', () => {
    const options = { on_error: 'stop', dry_run: null };
    const envelope = checkedEnvelope(BatchItemsEnvelope, { items, options });
    expect(envelope).toBeInstanceOf(BatchItemsEnvelope);
    expect(envelope.items).toBe(items);
    expect(envelope.options).toEqual(options);
    expect(checkedEnvelope(BatchItemsEnvelope, { items, options: null }).options).toBeNull();
    expect(checkedEnvelope(RecordEnvelope, { default: { name: 'A' } })).toEqual({ default: { name: 'A' } });
  });

  it.each([
    ['a body that is no object', [], ['.body object']],
    ['a member inside of an unknown one', { items, x: { constructor: 1 } }, ['.body.x unknown_field']],
    ['names that every object inherits', { items, toString: 1 }, ['.body.toString unknown_field']],
    ['an array of options', { items, options: [{}] }, ['.body.options object']],
    ['a number as options', { items, options: 1 }, ['.body.options object']],
    ['unknown options', { items, options: { a: 1 } }, ['.body.options.a unknown_field']],
    [
      'a number that cannot be represented',
      { items, options: { dry_run: Infinity } },
      ['.body.options.dry_run boolean'],
    ],
    [
      'several mistakes',
      { itms: 1, options: { return: 2 } },
      ['.body.itms unknown_field', '.body.options.return enum', '.body.items array'],
    ],
  ])('is rejected for %s', (_, body, errors) => {
    expect(rejection(body).map(({ field, code }) => `${field} ${code}`)).toEqual(errors);
  });

  it('reports at most 20 errors', () => {
    const unknown = Object.fromEntries(Array.from({ length: 200_000 }, (_, n) => [`\ud800${'k'.repeat(100)}${n}`, 1]));
    for (const body of [
      { items, ...unknown },
      { items, options: unknown },
    ]) {
      const errors = rejection(body);
      expect(errors).toHaveLength(20);
      expect(JSON.stringify(errors).length).toBeLessThan(20 * 300);
    }
  });

  it('rejects an array of options without reading it, and stops reading unknown members after 20 errors', () => {
    const options = counted(Array.from({ length: 100_000 }, () => ({})));
    rejection({ items, options: options.value });
    expect(options.visits()).toBe(0);

    const unknown = counted<Record<string, unknown>>({});
    for (let n = 0; n < 1_000; n += 1) unknown.value[`k${n}`] = 1;
    const before = unknown.visits();
    rejection(unknown.value);
    // One look for each name that Object.keys lists, and one read of each member up to the 20th error.
    expect(unknown.visits() - before).toBeLessThanOrEqual(1_000 + 20);
  });

  it('does not check its items', () => {
    const opaque = counted([{}, {}, {}]);
    checkedEnvelope(BatchItemsEnvelope, { items: opaque.value });
    const few = opaque.visits();
    const many = counted(Array.from({ length: 100 }, () => ({})));
    checkedEnvelope(BatchItemsEnvelope, { items: many.value });
    expect(many.visits()).toBe(few);
  });
});
