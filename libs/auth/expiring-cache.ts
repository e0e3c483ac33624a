interface Entry<V> {
  readonly value: V;
  /** `performance.now()` from which on the entry counts as absent. */
  readonly until: number;
}

/** A map that forgets: each entry after its time, and the one kept longest when there are too many. */
export class ExpiringCache<V> {
  private readonly entries = new Map<string, Entry<V>>();

  /** @param capacity the number of entries that it never exceeds */
  constructor(private readonly capacity: number) {}

  /** @param now `performance.now()` */
  get(key: string, now: number): V | undefined {
    const entry = this.entries.get(key);
    if (entry === undefined) return undefined;
    if (now < entry.until) return entry.value;
    this.entries.delete(key);
    return undefined;
  }

  /** @param until `performance.now()` from which on the value is no longer answered */
  set(key: string, value: V, until: number): void {
    // A map iterates in the order of insertion: deleting first makes the first entry the oldest one.
    this.entries.delete(key);
    this.entries.set(key, { value, until });
    if (this.entries.size <= this.capacity) return;
    for (const oldest of this.entries.keys()) {
      this.entries.delete(oldest);
      return;
    }
  }

  get size(): number {
    return this.entries.size;
  }
}
