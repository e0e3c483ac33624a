import type { Random } from '../../test/support/random';

/** The records that all callers change, with the last known version of each. */
export class SharedRecords {
  private readonly ids: string[];
  private readonly versions = new Map<string, number>();
  private tokens = 0;

  constructor(
    readonly teamId: string,
    readonly seeded: { id: string; name: string }[],
    /** The number of records that many callers change concurrently. */
    private readonly hot: number,
  ) {
    this.ids = seeded.map(({ id }) => id);
    for (const id of this.ids) this.versions.set(id, 1);
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

  versionOf(id: string): number | undefined {
    return this.versions.get(id);
  }

  /** Notes a version from a response. There may be a newer one. */
  noteVersion(id: string, version: number): void {
    const known = this.versions.get(id);
    if (known === undefined) this.ids.push(id);
    this.versions.set(id, Math.max(known ?? 0, version));
  }

  /** A value that no request has used. */
  token(): string {
    this.tokens += 1;
    return `t${this.tokens}`;
  }
}
