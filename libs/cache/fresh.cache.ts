import { LRUCache } from 'lru-cache';

interface Entry<V> {
  readonly value: V;
  /** `performance.now()` when the load of the value started: the value may lack later changes. */
  readonly asOf: number;
}

interface RunningLoad<V> {
  readonly startedAt: number;
  readonly state: LoadState;
  readonly value: Promise<V>;
}

interface LoadState {
  /** The key was deleted since the load started: the loaded value is not kept. */
  isObsolete: boolean;
}

interface Freshness<V> {
  /** An older value is never returned. */
  readonly maxAgeMs: number;
  /** A value older than this is returned, and reloaded in the background, so that the callers of a busy key never wait. */
  readonly refreshAfterMs: number;
  /** The number of values kept; beyond it, the least recently used ones are dropped. */
  readonly capacity: number;
  /** The maximum sum of the sizes of the values kept. A value larger than `max` counts as `max`, so it is kept alone. */
  readonly size?: { readonly max: number; readonly of: (value: V) => number };
}

/** Loads a value. It receives the previous one, if any, to return it again if nothing changed. */
type Load<V> = (previous: V | undefined) => Promise<V>;

/**
 * Values by key whose age is bounded, measured from the start of their load. One load per key runs at a time. `undefined` is
 * never kept: it replaces the previous value and is loaded again.
 *
 * `fetchMethod` of lru-cache does not fit: it measures the age from the end of the load, and does not bound the age of stale values.
 */
export class FreshCache<V> {
  private readonly entries: LRUCache<string, Entry<V>>;
  private readonly loads = new Map<string, RunningLoad<V>>();

  constructor(private readonly freshness: Freshness<V>) {
    const { capacity, size } = freshness;
    this.entries = new LRUCache({
      max: capacity,
      ...(size && {
        maxSize: size.max,
        // lru-cache accepts whole sizes from 1.
        sizeCalculation: ({ value }: Entry<V>) => Math.min(Math.max(1, Math.ceil(size.of(value))), size.max),
      }),
    });
  }

  /** The value of the key: at once if it is fresh, otherwise when it is loaded. Rejects with the error of the load. */
  get(key: string, load: Load<V>): V | Promise<V> {
    const now = performance.now();
    const entry = this.entries.get(key);
    if (entry === undefined || now - entry.asOf >= this.freshness.maxAgeMs) return this.loadOnce(key, now, load);
    if (now - entry.asOf >= this.freshness.refreshAfterMs) this.refresh(key, now, load);
    return entry.value;
  }

  /** Drops the value of the key, even one that is being loaded: the next `get` starts a load. Callers that already wait get that value. */
  delete(key: string): void {
    this.entries.delete(key);
    const running = this.loads.get(key);
    if (running !== undefined) running.state.isObsolete = true;
    this.loads.delete(key);
  }

  private refresh(key: string, now: number, load: Load<V>): void {
    // If it fails, the entry is used until its maximum age. After that, callers get the error of their own load.
    this.loadOnce(key, now, load).catch(() => undefined);
  }

  /** Joins the load that is running, unless it is too old to return a fresh value. */
  private loadOnce(key: string, now: number, load: Load<V>): Promise<V> {
    const running = this.loads.get(key);
    if (running !== undefined && now - running.startedAt < this.freshness.maxAgeMs) return running.value;

    const state: LoadState = { isObsolete: false };
    const newLoad = { startedAt: now, state, value: this.loadAndStore(key, now, load, state) };
    this.loads.set(key, newLoad);
    const remove = (): void => {
      if (this.loads.get(key) === newLoad) this.loads.delete(key);
    };
    newLoad.value.then(remove, remove);
    return newLoad.value;
  }

  private async loadAndStore(key: string, startedAt: number, load: Load<V>, state: LoadState): Promise<V> {
    const value = await load(this.entries.peek(key)?.value);
    if (state.isObsolete) return value;
    const entry = this.entries.peek(key);
    // A later load may have finished first.
    if (entry !== undefined && entry.asOf > startedAt) return value;
    if (value === undefined) this.entries.delete(key);
    else this.entries.set(key, { value, asOf: startedAt });
    return value;
  }
}
