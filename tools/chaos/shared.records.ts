import type { Random } from '../../test/support/random';

/** A version of a record, and its etag. */
export interface KnownVersion {
  version: number;
  etag: string;
}

/** The records that all callers change, with the last known version of each. */
export class SharedRecords {
  private readonly ids: string[];
  private readonly versions = new Map<string, KnownVersion>();
  private tokens = 0;
  private upserts = 0;

  constructor(
    readonly teamId: string,
    readonly seeded: { id: string; name: string }[],
    /** The number of records that many callers change concurrently. */
    private readonly hot: number,
  ) {
    this.ids = seeded.map(({ id }) => id);
  }

  static seed(teamId: string, random: Random, count: number): SharedRecords {
    const seeded = Array.from({ length: count }, (_, index) => ({ id: random.uuid(), name: `seed ${index}` }));
    return new SharedRecords(teamId, seeded, 5);
  }

  get hotIds(): string[] {
    return this.ids.slice(0, this.hot);
  }

  /** A record to change; at random one of the hot ones. */
  pick(random: Random): string {
    return random.chance(0.15) ? random.pick(this.hotIds) : random.pick(this.ids);
  }

  /** A record to delete: not a hot one, or most later requests would fail. */
  pickForDelete(random: Random): string {
    return random.pick(this.ids.slice(this.hot));
  }

  /** Undefined before a response has shown the record. */
  versionOf(id: string): KnownVersion | undefined {
    return this.versions.get(id);
  }

  /** Remembers a version from a response. There may be a newer one. */
  rememberVersion(id: string, seen: KnownVersion): void {
    if (!this.ids.includes(id)) this.ids.push(id);
    if (seen.version > (this.versions.get(id)?.version ?? 0)) this.versions.set(id, seen);
  }

  /** The marker of the next upsert. Four upserts in a row share one, so that several callers create its record at once. */
  upsertMarker(): string {
    this.upserts += 1;
    return `u${Math.ceil(this.upserts / 4)}`;
  }

  /** A value that no request has used. */
  token(): string {
    this.tokens += 1;
    return `t${this.tokens}`;
  }
}
