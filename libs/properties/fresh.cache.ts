import { LRUCache } from 'lru-cache';

interface Entry<V> {
  readonly value: V;
  /** `performance.now()` when the load of the value started: the value may lack later changes. */
  readonly asOf: number;
}

interface Load<V> {
  readonly startedAt: number;
  readonly value: Promise<V>;
}

interface Freshness {
  /** An older value is never returned. */
  readonly maxAgeMs: number;
  /** A value older than this is returned, and reloaded in the background, so that a busy key never waits. */
  readonly refreshAfterMs: number;
  /** The number of values kept; beyond it, the least recently used ones are dropped. */
  readonly capacity: number;
}

/**
 * Values by key whose age is bounded, measured from the start of their load. One load per key runs at a time.
 *
 * `fetchMethod` of lru-cache does not fit: it measures the age from the end of the load, and bounds no stale value.
 */
export class FreshCache<V> {
  private readonly entries: LRUCache<string, Entry<V>>;
  private readonly loads = new Map<string, Load<V>>();

  /** @param load loads the value of a key; it receives the previous value, if any, to return it again if nothing changed */
  constructor(
    private readonly load: (key: string, previous: V | undefined) => Promise<V>,
    private readonly freshness: Freshness,
  ) {
    this.entries = new LRUCache({ max: freshness.capacity });
  }

  /** The value of the key: at once if it is fresh, otherwise when it is loaded. Rejects with the error of the load. */
  get(key: string): V | Promise<V> {
    const now = performance.now();
    const entry = this.entries.get(key);
    if (entry === undefined || now - entry.asOf >= this.freshness.maxAgeMs) return this.loadOnce(key, now);
    if (now - entry.asOf >= this.freshness.refreshAfterMs) this.refresh(key, now);
    return entry.value;
  }

  private refresh(key: string, now: number): void {
    // If it fails, the entry is returned until its maximum age; after that, callers get the error of their own load.
    this.loadOnce(key, now).catch(() => undefined);
  }

  /** Joins the load that is running, unless it is too old to return a fresh value. */
  private loadOnce(key: string, now: number): Promise<V> {
    const running = this.loads.get(key);
    if (running !== undefined && now - running.startedAt < this.freshness.maxAgeMs) return running.value;

    const load = { startedAt: now, value: this.loadAndStore(key, now) };
    this.loads.set(key, load);
    const remove = (): void => {
      if (this.loads.get(key) === load) this.loads.delete(key);
    };
    load.value.then(remove, remove);
    return load.value;
  }

  private async loadAndStore(key: string, startedAt: number): Promise<V> {
    const value = await this.load(key, this.entries.peek(key)?.value);
    const entry = this.entries.peek(key);
    // A later load may have finished first.
    if (entry === undefined || entry.asOf <= startedAt) this.entries.set(key, { value, asOf: startedAt });
    return value;
  }
}
