import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { FreshCache } from './fresh.cache';

const freshness = { maxAgeMs: 5_000, refreshAfterMs: 2_500, capacity: 2 };

/** A source whose loads the test completes. */
class Source {
  readonly loads: {
    key: string;
    previous: string | undefined;
    end: (value: string | undefined) => void;
    fail: () => void;
  }[] = [];
  readonly load = (key: string, previous: string | undefined): Promise<string | undefined> =>
    new Promise((resolve, reject) => {
      this.loads.push({
        key,
        previous,
        end: resolve,
        fail: () => {
          reject(new Error('unavailable'));
        },
      });
    });

  async end(index: number, value: string | undefined): Promise<void> {
    this.loads[index]?.end(value);
    await settle();
  }

  async fail(index: number): Promise<void> {
    this.loads[index]?.fail();
    await settle();
  }
}

function settle(): Promise<unknown> {
  return vi.advanceTimersByTimeAsync(0);
}

describe('FreshCache', () => {
  let source: Source;
  let cache: FreshCache<string | undefined>;

  const get = (key: string) => cache.get(key, (previous) => source.load(key, previous));

  beforeEach(() => {
    vi.useFakeTimers();
    source = new Source();
    cache = new FreshCache(freshness);
  });

  afterEach(() => {
    vi.useRealTimers();
  });

  async function loaded(key: string, value: string): Promise<void> {
    const asked = get(key);
    await source.end(source.loads.length - 1, value);
    expect(await asked).toBe(value);
  }

  it('loads once for concurrent calls', async () => {
    const asked = [get('a'), get('a'), get('a')];
    await source.end(0, 'one');
    for (const value of asked) expect(await value).toBe('one');
    expect(source.loads).toHaveLength(1);
  });

  it('returns a fresh value without a load', async () => {
    await loaded('a', 'one');
    vi.advanceTimersByTime(2_499);
    expect(get('a')).toBe('one');
    expect(source.loads).toHaveLength(1);
  });

  it('reloads an ageing value once in the background and passes the previous value to the load', async () => {
    await loaded('a', 'one');
    vi.advanceTimersByTime(2_500);
    expect([get('a'), get('a')]).toEqual(['one', 'one']);
    expect(source.loads).toHaveLength(2);
    expect(source.loads[1]?.previous).toBe('one');
    await source.end(1, 'two');
    expect(get('a')).toBe('two');
  });

  it('never returns a value whose load started 5 s ago, even if it finished late', async () => {
    const asked = get('a');
    vi.advanceTimersByTime(4_000);
    await source.end(0, 'one');
    expect(await asked).toBe('one');
    vi.advanceTimersByTime(999);
    expect(get('a')).toBe('one');
    await source.fail(1);
    vi.advanceTimersByTime(1);
    expect(get('a')).toBeInstanceOf(Promise);
    await source.end(2, 'two');
    expect(get('a')).toBe('two');
  });

  it('returns the value while a refresh fails, and rejects when the value is too old', async () => {
    await loaded('a', 'one');
    vi.advanceTimersByTime(3_000);
    expect(get('a')).toBe('one');
    await source.fail(1);
    vi.advanceTimersByTime(2_000);
    const asked = expect(get('a')).rejects.toThrow('unavailable');
    await source.fail(2);
    await asked;
  });

  it('loads again after a failed first load', async () => {
    const asked = expect(get('a')).rejects.toThrow('unavailable');
    await source.fail(0);
    await asked;
    await loaded('a', 'one');
  });

  it('does not wait for a load that hangs, and does not let it overwrite a later one', async () => {
    const hanging = get('a');
    vi.advanceTimersByTime(5_000);
    await loaded('a', 'new');
    await source.end(0, 'old');
    expect(await hanging).toBe('old');
    expect(get('a')).toBe('new');
  });

  it('forgets the value of a key that no longer has one, and loads it again', async () => {
    await loaded('a', 'one');
    vi.advanceTimersByTime(2_500);
    expect(get('a')).toBe('one');
    await source.end(1, undefined);
    const asked = get('a');
    await source.end(2, undefined);
    expect(await asked).toBeUndefined();
    await loaded('a', 'two');
    expect(source.loads).toHaveLength(4);
  });

  it('loads a deleted key again, and does not keep the value of a load that started before', async () => {
    await loaded('a', 'one');
    cache.delete('a');
    const before = get('a');
    cache.delete('a');
    const after = get('a');
    await source.end(1, 'one');
    await source.end(2, 'two');
    expect([await before, await after]).toEqual(['one', 'two']);
    expect(get('a')).toBe('two');
    cache.delete('unknown');
    expect(get('a')).toBe('two');
  });

  it('drops the least recently used key', async () => {
    await loaded('a', 'one');
    await loaded('b', 'one');
    expect(get('a')).toBe('one');
    await loaded('c', 'one');
    expect(get('a')).toBe('one');
    expect(get('c')).toBe('one');
    expect(get('b')).toBeInstanceOf(Promise);
    await source.end(3, 'two');
  });

  it('drops the least recently used values beyond the sum of sizes, and keeps a larger one alone', async () => {
    cache = new FreshCache({ ...freshness, capacity: 10, size: { max: 6, of: (value) => value?.length ?? 0 } });
    await loaded('a', 'one');
    await loaded('b', 'two');
    expect([get('a'), get('b')]).toEqual(['one', 'two']);
    await loaded('c', '3');
    expect([get('b'), get('c')]).toEqual(['two', '3']);
    await loaded('a', 'one'); // of b, c and a, only the last two fit
    expect([get('c'), get('a')]).toEqual(['3', 'one']);
    await loaded('d', 'much larger');
    expect(get('d')).toBe('much larger');
    await loaded('c', '3');
    expect(get('c')).toBe('3');
  });
});
