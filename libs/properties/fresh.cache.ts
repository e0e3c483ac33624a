interface Entry<V> {
  readonly value: V;
  /** `performance.now()` when the load that brought the value began: the value may lack what changed after it. */
  readonly asOf: number;
}

interface Load<V> {
  readonly startedAt: number;
  readonly value: Promise<V>;
}

interface Freshness {
  /** No older value is answered. */
  readonly maxAgeMs: number;
  /** An older value is answered, and a new one loaded in the background, so that a busy key never waits. */
  readonly refreshAfterMs: number;
  /** The number of values kept; beyond it those that nobody asked for longest go. */
  readonly capacity: number;
}

/** Values by key that are never older than agreed, measured from the start of their load. One load a key at a time. */
export class FreshCache<V> {
  private readonly entries = new Map<string, Entry<V>>();
  private readonly loads = new Map<string, Load<V>>();

  /** @param load brings a key's value; it gets the one before, if there is one, to answer it again when nothing changed */
  constructor(
    private readonly load: (key: string, before: V | undefined) => Promise<V>,
    private readonly freshness: Freshness,
  ) {}

  /** The key's value: at once if it is fresh, else when it is loaded. Rejects with what the load rejects with. */
  get(key: string): V | Promise<V> {
    const now = performance.now();
    const entry = this.entries.get(key);
    if (entry === undefined || now - entry.asOf >= this.freshness.maxAgeMs) return this.loaded(key, now);
    this.cacheable(key, entry);
    if (now - entry.asOf >= this.freshness.refreshAfterMs) this.refresh(key, now);
    return entry.value;
  }

  private refresh(key: string, now: number): void {
    // Not lost: the entry is good until its time is up, and then the one who asks gets the error of his own load.
    this.loaded(key, now).catch(() => undefined);
  }

  private loaded(key: string, now: number): Promise<V> {
    const running = this.loads.get(key);
    if (running !== undefined && now - running.startedAt < this.freshness.maxAgeMs) return running.value;

    const load = { startedAt: now, value: this.loadAndKeep(key, now) };
    this.loads.set(key, load);
    const forget = (): void => {
      if (this.loads.get(key) === load) this.loads.delete(key);
    };
    load.value.then(forget, forget);
    return load.value;
  }

  private async loadAndKeep(key: string, startedAt: number): Promise<V> {
    const value = await this.load(key, this.entries.get(key)?.value);
    const entry = this.entries.get(key);
    // A load that was overtaken by a later one brings nothing new.
    if (entry === undefined || entry.asOf <= startedAt) this.cacheable(key, { value, asOf: startedAt });
    return value;
  }

  private cacheable(key: string, entry: Entry<V>): void {
    // A map iterates in the order of insertion: deleting first makes the first key the one unused longest.
    this.entries.delete(key);
    this.entries.set(key, entry);
    if (this.entries.size <= this.freshness.capacity) return;
    const [unused] = this.entries.keys();
    if (unused !== undefined) this.entries.delete(unused);
  }
}
