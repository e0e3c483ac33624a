import { describe, expect, it } from 'vitest';
import { ExpiringCache } from './expiring-cache';

describe('a cache that forgets', () => {
  it('answers a value until its time and not at it', () => {
    const cache = new ExpiringCache<string>(10);
    cache.set('a', 'value', 100);

    expect(cache.get('a', 99.9)).toBe('value');
    expect(cache.get('a', 100)).toBeUndefined();
    expect(cache.size).toBe(0);
  });

  it('makes room by dropping the entry kept longest', () => {
    const cache = new ExpiringCache<number>(2);
    cache.set('a', 1, 100);
    cache.set('b', 2, 100);
    cache.set('a', 3, 100);
    cache.set('c', 4, 100);

    expect(cache.size).toBe(2);
    expect(cache.get('b', 0)).toBeUndefined();
    expect(cache.get('a', 0)).toBe(3);
    expect(cache.get('c', 0)).toBe(4);
  });
});
